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

constexpr std::array kKinds{CallKind::post, CallKind::read, CallKind::identity};
constexpr std::array kProbed{ParkReason::credentials, ParkReason::endpoint};

unsigned bit_of(CallKind kind) {
  return 1U << static_cast<unsigned>(kind);
}

std::size_t index_of(ParkReason reason) {
  return static_cast<std::size_t>(reason);
}

}  // namespace

/// One kind's queue: the first in it watches the clock, the others wait behind it.
struct RequestGate::Lane {
  Lane(const boost::asio::any_io_executor& loop, Timers& timers)
      : turn(loop, 1), alarm(timers.alarm(WaitFor::gate)) {}
  Semaphore turn;
  std::unique_ptr<Alarm> alarm;
  std::size_t waiting = 0;
};

/// One that waits in a lane, for as long as it lives.
class RequestGate::Waiting {
 public:
  explicit Waiting(Lane& lane) : lane_(lane) { ++lane_.waiting; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { --lane_.waiting; }

 private:
  Lane& lane_;
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

bool RequestGate::stands_still(CallKind kind) const {
  if (kind == CallKind::identity)
    return false;
  const bool not_now =
      kind == CallKind::post && (parking_.holds(ParkReason::paused) || parking_.holds(ParkReason::refused));
  return identity_unknown_ || parking_.holds(ParkReason::organisation) || not_now;
}

/// Of those that a refused key holds up, one that met the refusal is to find out, if there is one.
bool RequestGate::may_probe(CallKind kind, ParkReason reason) const {
  const auto met = met_[index_of(reason)];
  if (reason != ParkReason::credentials || kind == CallKind::identity || (met & bit_of(kind)) != 0)
    return true;
  return std::none_of(kKinds.begin(), kKinds.end(), [&](CallKind other) {
    return (met & bit_of(other)) != 0 && lanes_[static_cast<std::size_t>(other)]->waiting > 0 &&
           !stands_still(other);
  });
}

std::optional<BootTime> RequestGate::obstacle(CallKind kind, BootTime now, Admission& admission) {
  admission.probes.reset();
  // It may stand behind a reason that a probe can end.
  if (stands_still(kind))
    return kNever;
  if (const auto reason = park_reason(kind)) {
    const auto probe = parking_.next_probe(*reason);
    if (!probe || probing_ || !may_probe(kind, *reason))
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
  const Waiting waiting(lane);
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

bool RequestGate::closed_for(CallKind kind, const Admission& admission) {
  const bool parked = !admission.probes && park_reason(kind).has_value();
  return closed_ || stands_still(kind) || held_until_ > timers_.now().boot || parked;
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
  park_since(reason, timers_.now().boot);
}

void RequestGate::park_since(ParkReason reason, BootTime since) {
  probing_ = false;
  if (!parking_.holds(reason))
    log_event(log_, LogLevel::warning, {LogEvent::parked, {}, 0, {}, to_string(reason)}, "parked: {}: {}",
              to_string(reason), advice(reason));
  parking_.park(reason, since);
  wake();
}

void RequestGate::park(ParkReason reason, CallKind met) {
  met_[index_of(reason)] |= bit_of(met);
  park(reason);
}

void RequestGate::clear(ParkReason reason) {
  // What was not parked ends no probe either: that one may be out for another reason.
  if (!parking_.holds(reason))
    return;
  if (reason == ParkReason::credentials || reason == ParkReason::endpoint)
    probing_ = false;
  met_[index_of(reason)] = 0;
  log_event(log_, LogLevel::info, {LogEvent::unparked, {}, 0, {}, to_string(reason)}, "no longer parked: {}",
            to_string(reason));
  parking_.clear(reason);
  wake();
}

void RequestGate::answered(CallKind kind) {
  // GET /me tells less than what a key is for.
  const auto proven = bit_of(kind) | bit_of(CallKind::identity);
  for (const auto reason : kProbed) {
    auto& met = met_[index_of(reason)];
    if (!parking_.holds(reason))
      continue;
    const auto left = met & ~proven;
    if (left == 0) {
      clear(reason);
    } else if (left != met || (kind == CallKind::identity && reason == ParkReason::credentials)) {
      // Something is right now, a new key perhaps: the others need not wait for their pace to find out.
      met = left;
      probing_ = false;
      parking_.probe_now(reason, timers_.now().boot);
      wake();
    }
  }
}

void RequestGate::give_back(const Admission& admission) {
  if (!admission.probes)
    return;
  probing_ = false;
  wake();
}

void RequestGate::probe_ended() {
  if (!probing_)
    return;
  probing_ = false;
  // Unclear is not cleared: the pace goes on growing.
  for (const auto reason : kProbed) {
    if (parking_.holds(reason))
      parking_.park(reason, timers_.now().boot);
  }
  wake();
}

void RequestGate::probe_now() {
  for (const auto reason : kProbed)
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
