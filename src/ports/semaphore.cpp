#include "usherd/ports/semaphore.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace usherd {

boost::asio::awaitable<void> Semaphore::acquire(std::size_t count) {
  const auto wanted = static_cast<std::ptrdiff_t>(count);
  // Those still in the list may have their places and be about to wake.
  if (free_ >= wanted && !is_awaited()) {
    free_ -= wanted;
    co_return;
  }
  const auto place = waiters_.emplace(
      waiters_.end(),
      Waiter{boost::asio::steady_timer(loop_, boost::asio::steady_timer::time_point::max()), wanted, false});
  co_await place->wake.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  const bool granted = place->granted;
  waiters_.erase(place);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) {
    // Without it those behind may have enough.
    add_places(granted ? wanted : 0);
    throw boost::system::system_error(boost::asio::error::operation_aborted);
  }
}

void Semaphore::release(std::size_t count) {
  add_places(static_cast<std::ptrdiff_t>(count));
}

void Semaphore::add_places(std::ptrdiff_t count) {
  free_ += count;
  grant();
}

void Semaphore::grant() {
  for (auto& waiter : waiters_) {
    if (waiter.granted)
      continue;
    if (free_ < waiter.count)
      return;
    waiter.granted = true;
    free_ -= waiter.count;
    waiter.wake.cancel();
  }
}

bool Semaphore::is_awaited() const {
  // They get theirs in order: the last one is the last to get them.
  return !waiters_.empty() && !waiters_.back().granted;
}

}  // namespace usherd
