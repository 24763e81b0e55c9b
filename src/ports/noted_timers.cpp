#include "usherd/ports/noted_timers.hpp"

namespace usherd {
namespace {

class NotedAlarm final : public Alarm {
 public:
  NotedAlarm(std::unique_ptr<Alarm> alarm, Waits& waits, WaitFor what)
      : alarm_(std::move(alarm)), waits_(waits), what_(what) {}

  boost::asio::awaitable<bool> wait_until(BootTime due) override {
    const Waits::Noted noted(waits_, what_, due);
    co_return co_await alarm_->wait_until(due);
  }
  void ring() override { alarm_->ring(); }

 private:
  std::unique_ptr<Alarm> alarm_;
  Waits& waits_;
  WaitFor what_;
};

}  // namespace

std::unique_ptr<Alarm> NotedTimers::alarm(WaitFor what) {
  return std::make_unique<NotedAlarm>(timers_.alarm(what), waits_, what);
}

}  // namespace usherd
