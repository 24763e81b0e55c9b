#include "usherd/ports/semaphore.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace usherd {

boost::asio::awaitable<void> Semaphore::acquire() {
  // A free place means that nobody waits for one: those still in the list have theirs and are about to wake.
  if (free_ > 0) {
    --free_;
    co_return;
  }
  const auto place = waiters_.emplace(
      waiters_.end(),
      Waiter{boost::asio::steady_timer(loop_, boost::asio::steady_timer::time_point::max()), false});
  co_await place->wake.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  const bool granted = place->granted;
  waiters_.erase(place);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) {
    if (granted)
      release();
    throw boost::system::system_error(boost::asio::error::operation_aborted);
  }
}

void Semaphore::release() {
  ++free_;
  grant();
}

void Semaphore::add_places(std::ptrdiff_t count) {
  free_ += count;
  grant();
}

void Semaphore::grant() {
  for (auto& waiter : waiters_) {
    if (free_ <= 0)
      return;
    if (waiter.granted)
      continue;
    waiter.granted = true;
    --free_;
    waiter.wake.cancel();
  }
}

}  // namespace usherd
