#include "usherd/adapters/system_timers.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <ctime>

namespace usherd {
namespace {

namespace asio = boost::asio;

// The steady clock stands still while the machine sleeps, the boot clock does not: short slices notice the
// difference.
constexpr std::chrono::minutes kLongestSlice{1};

BootTime boot_now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return BootTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

class SystemAlarm final : public Alarm {
 public:
  explicit SystemAlarm(const asio::any_io_executor& executor) : timer_(executor) {}

  asio::awaitable<bool> wait_until(BootTime due) override {
    for (;;) {
      const BootTime now = boot_now();
      if (now >= due) {
        co_return true;
      }
      if (rung_) {
        rung_ = false;
        co_return false;
      }
      timer_.expires_after(std::min<BootTime::duration>(due - now, kLongestSlice));
      const auto [error] = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (error && !rung_) {
        throw boost::system::system_error(asio::error::operation_aborted);
      }
    }
  }

  void ring() override {
    rung_ = true;
    timer_.cancel();
  }

 private:
  asio::steady_timer timer_;
  bool rung_ = false;
};

}  // namespace

SystemTimers::SystemTimers(asio::any_io_executor executor) : executor_(std::move(executor)) {}

Instant SystemTimers::now() {
  return {boot_now(), std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())};
}

std::unique_ptr<Alarm> SystemTimers::alarm(WaitFor) {
  return std::make_unique<SystemAlarm>(executor_);
}

}  // namespace usherd
