#include "usherd/submit/request_gate.hpp"

#include "usherd/core/log_event.hpp"
#include "usherd/core/timestamp.hpp"
#include "usherd/core/units.hpp"

#include <algorithm>

namespace usherd {
namespace {

using namespace std::chrono_literals;

/// A wait that an operator wonders at, and how much longer it must get to be told of again.
constexpr auto kLongHold = 10min;
constexpr auto kLonger = 1min;

}  // namespace

/// One kind's queue: the first in it watches the clock, the others wait behind it.
struct RequestGate::Lane {
  Lane(const boost::asio::any_io_executor& loop, Timers& timers)
      : turn(loop, 1), alarm(timers.alarm(WaitFor::gate)) {}
  Semaphore turn;
  std::unique_ptr<Alarm> alarm;
};

RequestGate::RequestGate(const boost::asio::any_io_executor& loop, Timers& timers, TokenBucket bucket,
                         Log& log)
    : timers_(timers), bucket_(bucket), departing_(bucket), log_(log) {
  for (auto& lane : lanes_)
    lane = std::make_unique<Lane>(loop, timers);
  departures_ = std::make_unique<Lane>(loop, timers);
}

RequestGate::~RequestGate() = default;

std::optional<ParkReason> RequestGate::park_reason(CallKind kind) const {
  if (parking_.holds(ParkReason::credentials))
    return ParkReason::credentials;
  if (kind == CallKind::identity)
    return std::nullopt;
  if (parking_.holds(ParkReason::organisation))
    return ParkReason::organisation;
  if (kind == CallKind::read)
    return std::nullopt;
  for (const auto reason : {ParkReason::endpoint, ParkReason::refused, ParkReason::paused}) {
    if (parking_.holds(reason))
      return reason;
  }
  return std::nullopt;
}

std::optional<BootTime> RequestGate::obstacle(CallKind kind, BootTime now, Admission& admission) {
  admission.probes.reset();
  if (identity_unknown_ && kind != CallKind::identity)
    return kNever;
  if (const auto reason = park_reason(kind)) {
    const auto probe = parking_.next_probe(*reason);
    // A reason that no probe can end may stand behind one that a probe can.
    const bool other_blocks = (kind != CallKind::identity && parking_.holds(ParkReason::organisation)) ||
                              (kind == CallKind::post &&
                               (parking_.holds(ParkReason::paused) || parking_.holds(ParkReason::refused)));
    if (!probe || probing_ || other_blocks)
      return kNever;
    if (*probe > now)
      return probe;
    admission.probes = reason;
  }
  if (held_until_ > now)
    return held_until_;
  if (const auto ready = bucket_.ready_at(now); ready > now)
    return ready;
  return std::nullopt;
}

boost::asio::awaitable<Admission> RequestGate::admit(CallKind kind) {
  Lane& lane = *lanes_[static_cast<std::size_t>(kind)];
  co_await lane.turn.acquire();
  const SemaphorePlace place(lane.turn);
  Admission admission;
  while (!closed_) {
    const auto now = timers_.now().boot;
    const auto wait = obstacle(kind, now, admission);
    if (!wait) {
      bucket_.take(now);
      probing_ = probing_ || admission.probes.has_value();
      admission.open = true;
      break;
    }
    co_await lane.alarm->wait_until(*wait);
  }
  co_return admission;
}

boost::asio::awaitable<bool> RequestGate::depart() {
  co_await departures_->turn.acquire();
  const SemaphorePlace place(departures_->turn);
  while (!closed_) {
    const auto now = timers_.now().boot;
    const auto ready = std::max(held_until_, departing_.ready_at(now));
    if (ready <= now) {
      departing_.take(now);
      co_return true;
    }
    co_await departures_->alarm->wait_until(ready);
  }
  co_return false;
}

bool RequestGate::closed_for(CallKind kind) {
  const bool stranger = identity_unknown_ && kind != CallKind::identity;
  return closed_ || stranger || held_until_ > timers_.now().boot || park_reason(kind).has_value();
}

void RequestGate::wake() {
  for (auto& lane : lanes_)
    lane->alarm->ring();
  departures_->alarm->ring();
  if (changed_)
    changed_();
}

void RequestGate::tell_of_long_hold(BootTime until) {
  const auto now = timers_.now();
  const auto wait = std::chrono::duration_cast<Milliseconds>(until - now.boot);
  if (wait <= kLongHold || until < told_until_ + kLonger)
    return;
  told_until_ = until;
  log_.warn("the API's rate limit (429, Retry-After) holds all requests for {}, until {}",
            format_duration(wait), format_rfc3339(now.wall + wait));
}

void RequestGate::hold_until(BootTime until) {
  const auto now = timers_.now().boot;
  if (until <= std::max(held_until_, now))
    return;
  // Overlapping waits are one wait.
  held_time_ += until - std::max(held_until_, now);
  held_until_ = until;
  tell_of_long_hold(until);
  if (held_)
    held_();
}

std::string RequestGate::advice(ParkReason reason) const {
  return reason == ParkReason::credentials && key_advice_ ? key_advice_() : std::string(advice_for(reason));
}

void RequestGate::park(ParkReason reason) {
  probing_ = false;
  if (!parking_.holds(reason))
    log_event(log_, LogLevel::warning, {LogEvent::parked, {}, 0, {}, to_string(reason)}, "parked: {}: {}",
              to_string(reason), advice(reason));
  parking_.park(reason, timers_.now().boot);
  wake();
}

void RequestGate::clear(ParkReason reason) {
  // What was not parked ends no probe either: that one may be out for another reason.
  if (!parking_.holds(reason))
    return;
  if (reason == ParkReason::credentials || reason == ParkReason::endpoint)
    probing_ = false;
  log_event(log_, LogLevel::info, {LogEvent::unparked, {}, 0, {}, to_string(reason)}, "no longer parked: {}",
            to_string(reason));
  parking_.clear(reason);
  wake();
}

void RequestGate::probe_ended() {
  if (!probing_)
    return;
  probing_ = false;
  // Unclear is not cleared: the pace goes on growing.
  for (const auto reason : {ParkReason::credentials, ParkReason::endpoint}) {
    if (parking_.holds(reason))
      parking_.park(reason, timers_.now().boot);
  }
  wake();
}

void RequestGate::probe_now() {
  for (const auto reason : {ParkReason::credentials, ParkReason::endpoint})
    parking_.probe_now(reason, timers_.now().boot);
  wake();
}

void RequestGate::configure(double rate, double burst) {
  bucket_.configure(rate, burst);
  departing_.configure(rate, burst);
  wake();
}

void RequestGate::hold_for_identity(bool hold) {
  if (identity_unknown_ == hold)
    return;
  identity_unknown_ = hold;
  wake();
}

void RequestGate::close() {
  closed_ = true;
  wake();
}

}  // namespace usherd
