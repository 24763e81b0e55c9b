#pragma once

#include "usherd/core/units.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace usherd::sandbox {

/// One accepted connection, plain or under TLS. One read and one write at a time.
class Channel {
 public:
  virtual ~Channel() = default;
  /// Reads something; 0: the peer has closed, the connection broke, or nothing came for `patience`.
  [[nodiscard]] virtual boost::asio::awaitable<std::size_t> read(std::span<char> into,
                                                                 Milliseconds patience) = 0;
  /// Writes all of it; false: the connection broke, or the peer took nothing for long.
  [[nodiscard]] virtual boost::asio::awaitable<bool> write(std::string_view bytes) = 0;
  /// Ends the connection in the polite way: TLS close notify, then FIN.
  [[nodiscard]] virtual boost::asio::awaitable<void> finish() = 0;
  /// Ends it with a TCP reset.
  virtual void reset() = 0;
  /// Ends what is waiting in read() and write(); what was sent is still delivered.
  virtual void close() = 0;
};

[[nodiscard]] std::unique_ptr<Channel> plain_channel(boost::asio::ip::tcp::socket socket);

/// The handshake is made; nothing where it failed. The context must outlive the channel.
[[nodiscard]] boost::asio::awaitable<std::unique_ptr<Channel>> tls_channel(
    boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& context);

}  // namespace usherd::sandbox
