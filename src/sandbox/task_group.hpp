#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <list>

namespace usherd::sandbox {

/// Every coroutine of the sandbox runs in one of these. It must be empty, and so cancelled and run out,
/// before it is destroyed. One thread.
class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Whatever the task throws ends it and nothing else: a connection's end, or a cancellation.
  void spawn(boost::asio::awaitable<void> task);
  void cancel_all();
  [[nodiscard]] std::size_t size() const { return signals_.size(); }

 private:
  boost::asio::any_io_executor executor_;
  std::list<boost::asio::cancellation_signal> signals_;
};

}  // namespace usherd::sandbox
