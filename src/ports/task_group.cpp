#include "usherd/ports/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <cassert>

namespace usherd {
namespace {

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == boost::asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

TaskGroup::TaskGroup(boost::asio::any_io_executor loop) : loop_(std::move(loop)), empty_(loop_) {}

TaskGroup::~TaskGroup() {
  assert(tasks_.empty());
}

void TaskGroup::spawn(boost::asio::awaitable<void> task) {
  const auto place = tasks_.emplace(tasks_.end());
  auto on_end = [this, place](const std::exception_ptr& failure) { ended(place, failure); };
  boost::asio::co_spawn(loop_, run(*place, std::move(task)),
                        boost::asio::bind_cancellation_slot(place->signal.slot(), std::move(on_end)));
}

boost::asio::awaitable<void> TaskGroup::run(Task& task, boost::asio::awaitable<void> work) {
  task.started = true;
  if (task.cancelled)
    throw boost::system::system_error(boost::asio::error::operation_aborted);
  co_await std::move(work);
}

void TaskGroup::ended(Tasks::iterator task, const std::exception_ptr& failure) {
  tasks_.erase(task);
  if (failure && !is_cancellation(failure) && !failure_) {
    failure_ = failure;
    cancel();
    if (failed_)
      failed_();
  }
  if (tasks_.empty())
    empty_.notify();
}

void TaskGroup::cancel() {
  // A cancelled task may end at once and leave the list: look one ahead.
  for (auto task = tasks_.begin(); task != tasks_.end();) {
    Task& running = *task++;
    // A signal that reaches co_spawn before its task began would be thrown out of the event loop, and nobody
    // be told.
    running.cancelled = true;
    if (running.started)
      running.signal.emit(boost::asio::cancellation_type::terminal);
  }
}

boost::asio::awaitable<void> TaskGroup::wait_empty() {
  while (!tasks_.empty())
    co_await empty_.wait();
}

}  // namespace usherd
