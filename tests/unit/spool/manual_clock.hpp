#pragma once

#include "usherd/ports/event.hpp"
#include "usherd/ports/timers.hpp"

#include <boost/asio/post.hpp>

#include <list>
#include <memory>

namespace usherd::test {

/// Time that stands still until the test, or the test's idle loop, moves it.
class ManualClock final : public Timers {
 public:
  explicit ManualClock(boost::asio::any_io_executor loop) : loop_(std::move(loop)) {}

  Instant now() override { return now_; }
  std::unique_ptr<Alarm> alarm() override { return std::make_unique<ManualAlarm>(*this); }

  void set_wall(WallTime wall) { now_.wall = wall; }
  void advance(Milliseconds by) {
    now_.boot += by;
    now_.wall += by;
    ring_all();
  }
  /// To the next alarm; false when nobody waits for one.
  bool advance_to_next() {
    BootTime next = kNever;
    for (const auto* alarm : alarms_)
      next = std::min(next, alarm->due());
    if (next == kNever)
      return false;
    advance(std::max(std::chrono::ceil<Milliseconds>(next - now_.boot), Milliseconds(0)));
    return true;
  }

 private:
  class ManualAlarm final : public Alarm {
   public:
    explicit ManualAlarm(ManualClock& clock) : clock_(clock), bell_(clock.loop_) {
      clock_.alarms_.push_back(this);
    }
    ~ManualAlarm() override { clock_.alarms_.remove(this); }
    ManualAlarm(const ManualAlarm&) = delete;
    ManualAlarm& operator=(const ManualAlarm&) = delete;

    boost::asio::awaitable<bool> wait_until(BootTime due) override {
      while (clock_.now_.boot < due) {
        if (std::exchange(rung_, false))
          co_return false;
        due_ = due;
        co_await bell_.wait();
        due_ = kNever;
      }
      co_return true;
    }
    void ring() override {
      rung_ = true;
      bell_.notify();
    }
    void look() { bell_.notify(); }
    [[nodiscard]] BootTime due() const { return due_; }

   private:
    ManualClock& clock_;
    Event bell_;
    BootTime due_ = kNever;
    bool rung_ = false;
  };

  void ring_all() {
    for (auto* alarm : alarms_)
      alarm->look();
  }

  boost::asio::any_io_executor loop_;
  Instant now_{BootTime(std::chrono::hours(1)), WallTime(std::chrono::milliseconds(1'800'000'000'000))};
  std::list<ManualAlarm*> alarms_;
};

}  // namespace usherd::test
