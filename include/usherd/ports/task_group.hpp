#pragma once

#include "usherd/ports/event.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <list>

namespace usherd {

/// Owns every coroutine that is started and not awaited. Event loop only. Its destructor asserts that all of
/// them have ended; an exception that is not a cancellation is kept and stops the group.
class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor loop);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(boost::asio::awaitable<void> task);
  /// Cancels all that runs now; who is cancelled sees operation_aborted at its next await.
  void cancel();
  /// Returns when nothing runs any more.
  [[nodiscard]] boost::asio::awaitable<void> wait_empty();
  [[nodiscard]] std::size_t size() const { return tasks_.size(); }
  /// The first exception of a task that was not a cancellation: a bug.
  [[nodiscard]] std::exception_ptr failure() const { return failure_; }
  /// Called once, when that happens.
  void on_failure(std::function<void()> failed) { failed_ = std::move(failed); }

 private:
  struct Task {
    boost::asio::cancellation_signal signal;
    bool started = false;
    bool cancelled = false;
  };
  using Tasks = std::list<Task>;
  [[nodiscard]] static boost::asio::awaitable<void> run(Task& task, boost::asio::awaitable<void> work);
  void ended(Tasks::iterator task, const std::exception_ptr& failure);

  boost::asio::any_io_executor loop_;
  Event empty_;
  Tasks tasks_;
  std::exception_ptr failure_;
  std::function<void()> failed_;
};

}  // namespace usherd
