#pragma once

#include "usherd/ports/timers.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

namespace usherd::fakes {

/// Time that really passes, only `pace` times as fast: what waits ten minutes waits one second at 600. For
/// tests with real sockets, where nobody can move the clock by hand.
class HurriedTimers final : public Timers {
 public:
  using Steady = std::chrono::steady_clock;

  HurriedTimers(boost::asio::any_io_executor executor, double pace)
      : executor_(std::move(executor)), pace_(pace) {}

  [[nodiscard]] Instant now() override {
    const std::chrono::duration<double, std::nano> real = Steady::now() - started_;
    const BootClock::duration passed{static_cast<std::int64_t>(real.count() * pace_)};
    const BootTime boot = BootTime(std::chrono::hours(1)) + passed;
    return {boot, wall_ + std::chrono::floor<std::chrono::milliseconds>(passed)};
  }
  using Timers::alarm;
  [[nodiscard]] std::unique_ptr<Alarm> alarm(WaitFor) override {
    return std::make_unique<HurriedAlarm>(*this);
  }

 private:
  class HurriedAlarm final : public Alarm {
   public:
    explicit HurriedAlarm(HurriedTimers& timers) : timers_(timers), timer_(timers.executor_) {}

    boost::asio::awaitable<bool> wait_until(BootTime due) override {
      while (true) {
        const auto now = timers_.now().boot;
        if (now >= due)
          co_return true;
        if (std::exchange(rung_, false))
          co_return false;
        timer_.expires_after(timers_.real(due == kNever ? std::chrono::hours{24} : due - now));
        const auto [error] = co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (error && !rung_)
          throw boost::system::system_error(boost::asio::error::operation_aborted);
      }
    }
    void ring() override {
      rung_ = true;
      timer_.cancel();
    }

   private:
    HurriedTimers& timers_;
    boost::asio::steady_timer timer_;
    bool rung_ = false;
  };

  [[nodiscard]] Steady::duration real(BootClock::duration span) const {
    return Steady::duration{static_cast<std::int64_t>(
        std::ceil(static_cast<double>(std::chrono::duration_cast<Steady::duration>(span).count()) / pace_))};
  }

  boost::asio::any_io_executor executor_;
  double pace_;
  Steady::time_point started_ = Steady::now();
  WallTime wall_ = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
};

}  // namespace usherd::fakes
