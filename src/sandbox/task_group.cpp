#include "src/sandbox/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <cassert>
#include <exception>

namespace usherd::sandbox {

TaskGroup::~TaskGroup() {
  assert(signals_.empty());
}

void TaskGroup::spawn(boost::asio::awaitable<void> task) {
  const auto signal = signals_.emplace(signals_.end());
  auto done = [this, signal](const std::exception_ptr&) { signals_.erase(signal); };
  boost::asio::co_spawn(executor_, std::move(task),
                        boost::asio::bind_cancellation_slot(signal->slot(), std::move(done)));
}

void TaskGroup::cancel_all() {
  // A cancelled task may end within emit() and leave the list.
  for (auto signal = signals_.begin(); signal != signals_.end();) {
    const auto next = std::next(signal);
    signal->emit(boost::asio::cancellation_type::terminal);
    signal = next;
  }
}

}  // namespace usherd::sandbox
