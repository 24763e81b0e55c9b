#pragma once

#include "usherd/core/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace usherd {

/// What ends a wait on the network early: time, stop(), or the cancellation of the coroutine. One timer
/// serves all the waits of a connection, so that moving the due time forward, as each sent piece does, costs
/// an assignment.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  explicit Deadline(const boost::asio::any_io_executor& executor);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

  /// From now on waits end at `due`; an earlier due time that passed is forgotten.
  void set(Time due);
  void set(Clock::duration from_now) { set(Clock::now() + from_now); }
  /// No due time: for waits that are not on the network.
  void clear();
  /// Ends the wait under way, and all that follow until reset(), as cancelled.
  void stop();
  void reset();
  [[nodiscard]] bool stopped() const;

  /// Waits until `socket` can be read or written. Errors: timeout, cancelled, or the socket's own.
  [[nodiscard]] boost::asio::awaitable<Result<void>> ready(boost::asio::ip::tcp::socket& socket,
                                                           boost::asio::ip::tcp::socket::wait_type type);
  /// Waits until `socket` can be read or written, whichever is first.
  [[nodiscard]] boost::asio::awaitable<Result<void>> ready_either(boost::asio::ip::tcp::socket& socket);

  /// Names what to cancel when the time is up. Call before an operation of one's own, and `after` it with its
  /// result: that tells a timeout and a cancellation from a failure of the operation, which it leaves to the
  /// caller.
  void before(std::function<void()> cancel);
  [[nodiscard]] boost::asio::awaitable<std::optional<Error>> after();
  /// Lets the event loop do what else is due, its timers included, then as after(): a loop over a socket that
  /// is always ready would otherwise never end in time, nor let others in.
  [[nodiscard]] boost::asio::awaitable<std::optional<Error>> turn();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace usherd
