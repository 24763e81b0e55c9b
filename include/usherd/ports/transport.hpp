#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// A request body that is produced while it is sent, so that no body is ever whole in memory.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Exactly what Content-Length says; the pieces add up to it or the exchange fails.
  [[nodiscard]] virtual std::uint64_t length() const = 0;
  /// The next piece, 16 to 64 KiB, valid until the next call; empty at the end. An error (the body on disk
  /// changed) aborts the exchange before its last byte, so that the server cannot take the request for whole.
  [[nodiscard]] virtual boost::asio::awaitable<Result<std::span<const char>>> next() = 0;
};

enum class Method : std::uint8_t { get, post };

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  Method method = Method::get;
  std::string target;           ///< path and query below the base URL, ready to be sent
  std::vector<Header> headers;  ///< besides Host, Content-Length and Connection, which the transport sets
  BodySource* body = nullptr;   ///< owned by the caller; must outlive the exchange
  std::uint64_t most_response_bytes = 1 << 20;
  /// Asked when the connection stands, right before the first byte: what was true when the exchange began may
  /// be so no more once a handshake has ended. Empty: it may.
  std::function<bool()> may_leave = {};
};

/// How far an exchange came before it failed. The order is the order of events.
enum class Progress : std::uint8_t {
  nothing,        ///< no connection: nothing of the request left this machine
  connected,      ///< a connection stands, but the head was not written whole
  head_written,   ///< the head was written, but no byte of the body
  body_started,   ///< part of the body was written
  body_written,   ///< all of the request was written
  answer_started  ///< part of an answer came
};

/// What an exchange ended with: an answer, or a failure with how far it came.
struct Exchange {
  Progress progress = Progress::nothing;
  std::optional<Error>
      failure;               ///< set: no whole answer came; timeout and cancelled are told apart by its code
  bool body_failed = false;  ///< set with `failure`: the body source gave the error, not the network
  bool held_back = false;    ///< set with `failure`: may_leave said no; the connection stands
  bool sent_whole = false;   ///< all of the request was written; an answer may come before that
  unsigned status = 0;
  std::string retry_after;  ///< header values as they came, cut to 256 bytes
  std::string date;
  std::string content_type;
  std::string body;

  /// What came is no answer, or none that is taken in, whatever the network did.
  [[nodiscard]] bool is_garbage() const {
    return failure && (failure->code == Errc::invalid || failure->code == Errc::too_large);
  }
};

/// One HTTPS session: connects when it must, keeps the connection, reconnects after it broke. One exchange at
/// a time; destroying it closes the socket.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Never throws for what a network or server can do. Cancelling the coroutine closes the connection.
  [[nodiscard]] virtual boost::asio::awaitable<Exchange> exchange(Request request) = 0;
  /// A connection stands and the server has not closed it.
  [[nodiscard]] virtual bool is_open() const = 0;
  virtual void close() = 0;
  /// Ends an exchange that is still connecting, as cancelled; one whose request is on its way goes on.
  virtual void stop_dialling() {}
};

/// Makes sessions to the one API host.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual std::unique_ptr<Connection> connection() = 0;
};

}  // namespace usherd
