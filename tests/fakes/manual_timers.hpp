#pragma once

#include "usherd/ports/timers.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace usherd::fakes {

class ManualAlarm;

/// What alarms share with the clock they wait for; it outlives both.
struct ManualTime {
  Instant now{BootTime(std::chrono::hours(1)),
              WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24))};
  std::multimap<BootTime, ManualAlarm*> waiting;
};

/// Waits as the real one does, but for the test's time.
class ManualAlarm final : public Alarm {
 public:
  ManualAlarm(const boost::asio::any_io_executor& executor, std::shared_ptr<ManualTime> time)
      : wake_(executor, boost::asio::steady_timer::time_point::max()), time_(std::move(time)) {}
  ~ManualAlarm() override { forget(); }

  boost::asio::awaitable<bool> wait_until(BootTime due) override {
    for (;;) {
      if (time_->now.boot >= due) {
        co_return true;
      }
      if (std::exchange(rung_, false)) {
        co_return false;
      }
      woken_ = false;
      time_->waiting.emplace(due, this);
      co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      forget();
      if (!woken_) {
        throw boost::system::system_error(boost::asio::error::operation_aborted);
      }
    }
  }

  void ring() override {
    rung_ = true;
    wake();
  }

  void wake() {
    woken_ = true;
    wake_.cancel();
  }

 private:
  void forget() {
    std::erase_if(time_->waiting, [this](const auto& entry) { return entry.second == this; });
  }

  boost::asio::steady_timer wake_;
  std::shared_ptr<ManualTime> time_;
  bool rung_ = false;
  bool woken_ = false;
};

/// Time that stands still until the test moves it. Alarms that come due are woken in the order of their due
/// times; the test polls the loop for their coroutines to go on, or lets run_for() do both.
class ManualTimers final : public Timers {
 public:
  using Duration = BootTime::duration;

  explicit ManualTimers(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  ManualTimers(boost::asio::any_io_executor executor, Instant start) : executor_(std::move(executor)) {
    time_->now = start;
  }

  using Timers::alarm;
  [[nodiscard]] Instant now() override { return time_->now; }
  [[nodiscard]] std::unique_ptr<Alarm> alarm(WaitFor) override {
    return std::make_unique<ManualAlarm>(executor_, time_);
  }

  /// Both clocks go on.
  void advance(Duration by) { advance_to(time_->now.boot + by); }
  /// To the earliest due time somebody waits for; false when nobody waits but for ever.
  bool advance_to_next_due() {
    const std::optional<BootTime> due = next_due();
    if (due) {
      advance_to(*due);
    }
    return due.has_value();
  }
  [[nodiscard]] std::optional<BootTime> next_due() const {
    const auto first = time_->waiting.begin();
    return first == time_->waiting.end() || first->first == kNever ? std::nullopt
                                                                   : std::optional(first->first);
  }
  /// An operator sets the wall clock; the boot clock does not notice.
  void jump_wall(std::chrono::milliseconds by) { time_->now.wall += by; }
  /// Alarms somebody waits for.
  [[nodiscard]] std::size_t waiting() const { return time_->waiting.size(); }

  /// Lets the loop do all it can do, then moves to the next due time, and so on until `span` has passed.
  void run_for(boost::asio::io_context& loop, Duration span) {
    const BootTime end = time_->now.boot + span;
    run(loop, end, [] { return false; });
    advance_to(end);
    poll(loop);
  }
  /// As run_for(), until `done` says so; false when `most` passed first.
  bool run_until(boost::asio::io_context& loop, Duration most, const std::function<bool()>& done) {
    run(loop, time_->now.boot + most, done);
    return done();
  }

 private:
  void advance_to(BootTime to) {
    const auto by = to - time_->now.boot;
    time_->now.boot = to;
    wall_rest_ += by;
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(wall_rest_);
    time_->now.wall += whole;
    wall_rest_ -= whole;
    for (auto at = time_->waiting.begin(); at != time_->waiting.end() && at->first <= to; ++at) {
      at->second->wake();
    }
  }

  void run(boost::asio::io_context& loop, BootTime end, const std::function<bool()>& done) {
    for (;;) {
      poll(loop);
      const std::optional<BootTime> due = next_due();
      if (done() || !due || *due > end) {
        return;
      }
      advance_to(std::max(*due, time_->now.boot));
    }
  }

  static void poll(boost::asio::io_context& loop) {
    loop.restart();
    loop.poll();
  }

  boost::asio::any_io_executor executor_;
  std::shared_ptr<ManualTime> time_ = std::make_shared<ManualTime>();
  Duration wall_rest_{};
};

}  // namespace usherd::fakes
