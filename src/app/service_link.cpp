#include "src/app/service_link.hpp"

#include "usherd/core/log_event.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace usherd {
namespace {

using namespace std::chrono_literals;

/// Signs of life a watchdog's time: one may come late, or be held back by a cause that goes away.
constexpr int kBeatsAWatchdog = 4;
constexpr BootClock::duration kSlowestBeat = 5s;
/// A disk may take so long for a sync before anybody calls it dead.
constexpr BootClock::duration kPatience = 30s;

Heartbeat::Limits limits_of(std::optional<BootClock::duration> watchdog) {
  const auto limit = watchdog ? std::max(kPatience, *watchdog / 2) : 2 * kPatience;
  return {limit, limit};
}

}  // namespace

ServiceLink::ServiceLink(Parts parts)
    : parts_(std::move(parts)),
      watchdog_(parts_.manager == nullptr ? std::nullopt : parts_.manager->watchdog()),
      interval_(watchdog_ ? std::min(kSlowestBeat, *watchdog_ / kBeatsAWatchdog) : kSlowestBeat),
      heartbeat_(limits_of(watchdog_)),
      alarm_(parts_.timers.alarm(WaitFor::heartbeat)) {}

boost::asio::awaitable<void> ServiceLink::run() {
  while (parts_.manager != nullptr) {
    beat();
    co_await alarm_->wait_until(parts_.timers.now().boot + interval_);
  }
}

void ServiceLink::enter(ServicePhase phase) {
  phase_ = phase;
  told_ = status();
  if (phase == ServicePhase::starting)
    return;
  const auto* word = phase == ServicePhase::stopping ? "STOPPING=1" : "READY=1";
  tell(fmt::format("{}\nSTATUS={}", word, told_));
}

bool ServiceLink::is_ready() const {
  return phase_ == ServicePhase::delivering || phase_ == ServicePhase::draining;
}

void ServiceLink::reloading() {
  // In the middle of a start the word that ends a reload would end the start.
  if (!is_ready())
    return;
  // Type=notify-reload of later systemds compares the time with that of its signal.
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                   std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

void ServiceLink::reloaded() {
  if (is_ready())
    tell("READY=1");
}

void ServiceLink::tell(const std::string& lines) {
  if (parts_.manager != nullptr)
    parts_.manager->notify(lines);
}

std::string ServiceLink::status() {
  auto facts = parts_.facts();
  facts.phase = phase_;
  return status_line(facts);
}

void ServiceLink::beat() {
  probe(Heartbeat::Probe::workers);
  probe(Heartbeat::Probe::ledger);
  const auto objection = heartbeat_.beat(parts_.signs(), parts_.timers.now().boot);
  if (objection && !unwell_)
    log_event(parts_.log, LogLevel::error, {LogEvent::unwell, {}, 0, {}, {}}, "no sign of life: {}",
              *objection);
  unwell_ = objection.has_value();
  std::string lines;
  if (!unwell_ && watchdog_)
    lines += "WATCHDOG=1\n";
  // A start or a stop has a limit; one that gets on is given more.
  if (!unwell_ && phase_ != ServicePhase::delivering)
    lines +=
        fmt::format("EXTEND_TIMEOUT_USEC={}\n",
                    std::chrono::duration_cast<std::chrono::microseconds>(2 * interval_ + kPatience).count());
  if (auto line = status(); line != told_) {
    told_ = std::move(line);
    lines += "STATUS=" + told_;
  }
  if (!lines.empty())
    tell(lines);
}

void ServiceLink::probe(Heartbeat::Probe probe) {
  if (heartbeat_.awaits(probe))
    return;
  heartbeat_.sent(probe, parts_.timers.now().boot);
  parts_.tasks.spawn(probe == Heartbeat::Probe::workers ? ask_workers() : ask_ledger());
}

boost::asio::awaitable<void> ServiceLink::ask_workers() {
  auto nothing = [] { return true; };
  ++probes_;
  co_await parts_.workers.run(std::move(nothing));
  --probes_;
  heartbeat_.answered(Heartbeat::Probe::workers);
}

boost::asio::awaitable<void> ServiceLink::ask_ledger() {
  auto nothing = [](Ledger&) { return true; };
  ++probes_;
  co_await parts_.ledger.ask(std::move(nothing));
  --probes_;
  heartbeat_.answered(Heartbeat::Probe::ledger);
}

}  // namespace usherd
