#pragma once

#include "src/adapters/deadline.hpp"
#include "src/adapters/socket_bio.hpp"
#include "src/adapters/tls_context.hpp"
#include "usherd/core/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace usherd {

/// One connected socket, first plain, then under TLS when start_tls succeeded. Owns the socket; its
/// destructor says goodbye where that needs no waiting. The Deadline, and the TlsContext, must outlive it.
/// OpenSSL works on the socket itself, so that a look for an answer or for the end needs no pending read.
class Wire {
 public:
  enum class Look : std::uint8_t { quiet, readable, closed };

  Wire(boost::asio::ip::tcp::socket socket, Deadline& deadline);
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();

  /// Puts TLS on the connection, verified for `host`. Errors: unavailable, timeout, cancelled.
  [[nodiscard]] boost::asio::awaitable<Result<void>> start_tls(TlsContext& tls, const std::string& host);
  /// At least a byte; 0 at the proper end (under TLS: close_notify). An end without one is an error.
  [[nodiscard]] boost::asio::awaitable<Result<std::size_t>> read_some(std::span<char> into);
  /// At least a byte; 0 when nothing more could be written but there is something to be read, be it the end.
  /// After an error, what the other side sent before can still be read.
  [[nodiscard]] boost::asio::awaitable<Result<std::size_t>> write_some(std::span<const char> from);
  /// Whether data or the end has come in; never waits.
  [[nodiscard]] Look look();
  /// Bytes the kernel took so far, TLS included.
  [[nodiscard]] std::uint64_t sent() const { return io_.sent; }
  /// The connection was reset, and of the bytes that the kernel took some never left this machine.
  [[nodiscard]] bool lost_bytes() const { return io_.lost_bytes(); }

 private:
  enum class Step : std::uint8_t { done, want_read, want_write, end, broken };

  Step step_of(int result);
  Step try_read(std::span<char> into, std::size_t& got);
  Step try_write(std::span<const char> from, std::size_t& put);
  Error broken();

  boost::asio::ip::tcp::socket socket_;
  Deadline& deadline_;
  SocketIo io_;
  SslPtr ssl_;
};

}  // namespace usherd
