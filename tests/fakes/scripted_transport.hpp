#pragma once

#include "usherd/ports/transport.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace usherd::fakes {

/// A request as the server saw it.
struct SeenRequest {
  Method method = Method::get;
  std::string target;
  std::vector<Header> headers;
  std::string body;

  /// The value of a header, "" without one.
  [[nodiscard]] std::string header(std::string_view name) const {
    for (const Header& each : headers) {
      if (each.name == name) {
        return each.value;
      }
    }
    return {};
  }
};

/// An answer, as a script gives it.
[[nodiscard]] inline Exchange answered(unsigned status, std::string body = {}, std::string retry_after = {}) {
  Exchange exchange;
  exchange.progress = Progress::answer_started;
  exchange.status = status;
  exchange.body = std::move(body);
  exchange.retry_after = std::move(retry_after);
  exchange.content_type = "application/json";
  return exchange;
}

/// A failed exchange, as a script gives it.
[[nodiscard]] inline Exchange lost(Progress progress, Errc code = Errc::unavailable) {
  Exchange exchange;
  exchange.progress = progress;
  exchange.failure = Error{code, "scripted"};
  return exchange;
}

/// A server in a function. Reads each body whole, notes the request, and gives what the queue, or when that
/// is empty the handler, says. While held, exchanges wait after their body. Must outlive its connections.
class ScriptedTransport final : public Transport {
 public:
  using Handler = std::function<Exchange(const Request&, const std::string& body)>;

  explicit ScriptedTransport(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)),
        handler_([](const Request&, const std::string&) { return answered(404); }) {}

  void push(Exchange exchange) { queue_.push_back(std::move(exchange)); }
  void handle(Handler handler) { handler_ = std::move(handler); }
  /// From now on exchanges wait until release().
  void hold() { held_ = true; }
  /// From now on exchanges without a connection wait for it until release().
  void hold_dials() { dials_held_ = true; }
  /// From now on those that wait for their next request are gone and no other comes about, until it is told
  /// otherwise.
  void fail_dials(bool fail) { dials_fail_ = fail; }
  void release() {
    held_ = dials_held_ = false;
    for (boost::asio::steady_timer* waiter : waiters_) {
      waiter->cancel();
    }
  }

  [[nodiscard]] std::unique_ptr<Connection> connection() override;
  /// Requests that came whole, in the order they came; also those answered with a failure.
  [[nodiscard]] const std::vector<SeenRequest>& requests() const { return requests_; }
  [[nodiscard]] std::size_t connections() const { return connections_; }
  /// Connections that were closed while they were open.
  [[nodiscard]] std::size_t closed() const { return closed_; }
  /// Exchanges under way.
  [[nodiscard]] std::size_t busy() const { return busy_; }

 private:
  friend class ScriptedConnection;

  Exchange answer(const Request& request, std::string body) {
    requests_.push_back({request.method, request.target, request.headers, body});
    if (queue_.empty()) {
      return handler_(request, body);
    }
    Exchange next = std::move(queue_.front());
    queue_.pop_front();
    return next;
  }

  boost::asio::any_io_executor executor_;
  Handler handler_;
  std::deque<Exchange> queue_;
  std::vector<SeenRequest> requests_;
  std::vector<boost::asio::steady_timer*> waiters_;
  std::size_t connections_ = 0;
  std::size_t closed_ = 0;
  std::size_t busy_ = 0;
  bool held_ = false;
  bool dials_held_ = false;
  bool dials_fail_ = false;
};

class ScriptedConnection final : public Connection {
 public:
  explicit ScriptedConnection(ScriptedTransport& transport)
      : transport_(transport), wake_(transport.executor_, boost::asio::steady_timer::time_point::max()) {
    transport_.waiters_.push_back(&wake_);
    ++transport_.connections_;
  }
  ~ScriptedConnection() override { std::erase(transport_.waiters_, &wake_); }

  boost::asio::awaitable<Exchange> exchange(Request request) override {
    const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    closed_ = false;
    ++transport_.busy_;
    Exchange result = co_await carry(request);
    --transport_.busy_;
    open_ = !result.failure || result.held_back;
    co_await boost::asio::this_coro::throw_if_cancelled(throwing);
    co_return result;
  }

  [[nodiscard]] bool is_open() const override { return open_ && !transport_.dials_fail_; }

  void close() override {
    transport_.closed_ += open_ ? 1 : 0;
    open_ = false;
    closed_ = true;
    wake_.cancel();
  }

 private:
  boost::asio::awaitable<Exchange> carry(const Request& request) {
    while (transport_.dials_held_ && !open_ && !closed_ && !co_await cancelled()) {
      co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (transport_.dials_fail_) {
      co_return lost(Progress::nothing);
    }
    if (request.may_leave && !request.may_leave()) {
      Exchange held = lost(Progress::connected, Errc::cancelled);
      held.held_back = true;
      co_return held;
    }
    std::string body;
    std::optional<Error> failure;
    const std::uint64_t length = request.body != nullptr ? request.body->length() : 0;
    while (!failure && body.size() < length) {
      Result<std::span<const char>> piece = co_await request.body->next();
      if (!piece) {
        failure = piece.error();
      } else if (piece->empty() || piece->size() > length - body.size()) {
        failure = Error{Errc::corrupt, "the body is not as long as announced"};
      } else {
        body.append(piece->data(), piece->size());
      }
    }
    if (failure) {
      Exchange broken = lost(body.empty() ? Progress::connected : Progress::body_started);
      broken.failure = std::move(failure);
      broken.body_failed = true;
      co_return broken;
    }
    while (transport_.held_ && !closed_ && !co_await cancelled()) {
      co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    const bool given_up = co_await cancelled();
    if (closed_ || given_up) {
      co_return lost(Progress::body_written, Errc::cancelled);
    }
    co_return transport_.answer(request, std::move(body));
  }

  static boost::asio::awaitable<bool> cancelled() {
    const boost::asio::cancellation_state state = co_await boost::asio::this_coro::cancellation_state;
    co_return state.cancelled() != boost::asio::cancellation_type::none;
  }

  ScriptedTransport& transport_;
  boost::asio::steady_timer wake_;
  bool open_ = false;
  bool closed_ = false;
};

inline std::unique_ptr<Connection> ScriptedTransport::connection() {
  return std::make_unique<ScriptedConnection>(*this);
}

}  // namespace usherd::fakes
