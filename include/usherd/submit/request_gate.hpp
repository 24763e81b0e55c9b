#pragma once

#include "usherd/core/log.hpp"
#include "usherd/ports/semaphore.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/submit/parking.hpp"
#include "usherd/submit/token_bucket.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace usherd {

/// What a request is for. POSTs of batches stand still for every park reason; reads of jobs where the key is
/// refused or belongs to somebody else, as another organisation answers 404 to them; the question whose key
/// it is only where it is refused.
enum class CallKind : std::uint8_t { post, read, identity };

/// Leave to send one request.
struct Admission {
  bool open = false;                 ///< false: we are stopping
  std::optional<ParkReason> probes;  ///< set: this request finds out whether the reason still holds
};

/// The one place where requests wait: for the token bucket, for a Retry-After that binds the whole client,
/// and while parked. First come, first served for each kind. Event loop only.
class RequestGate {
 public:
  RequestGate(const boost::asio::any_io_executor& loop, Timers& timers, TokenBucket bucket, Log& log);
  ~RequestGate();

  [[nodiscard]] boost::asio::awaitable<Admission> admit(CallKind kind);
  /// Waits until one more request may leave, by the same rate and by a Retry-After; false: we are stopping.
  /// Many that were admitted one by one may have waited for a session together, and GET /me goes out beside
  /// others without a leave of its own.
  [[nodiscard]] boost::asio::awaitable<bool> depart();
  /// Whether a request admitted earlier must wait after all: a Retry-After came or a park reason arose
  /// meanwhile, another one than a probe is to find out about.
  [[nodiscard]] bool closed_for(CallKind kind, const Admission& admission = {});

  /// A Retry-After: nothing goes out before `until`. The log says so where that is longer than ten minutes.
  void hold_until(BootTime until);
  void park(ParkReason reason);
  /// The same, since an earlier run.
  void park_since(ParkReason reason, BootTime since);
  /// An answer to a request of this kind says that key or address is wrong. Only such a request clears that
  /// again: a key that may read may still be refused a POST.
  void park(ParkReason reason, CallKind met);
  void clear(ParkReason reason);
  /// The API answered a request of this kind: as far as that tells, neither key nor address is to blame.
  void answered(CallKind kind);
  /// A probe ended without an answer.
  void probe_ended();
  /// What was admitted as a probe was not sent.
  void give_back(const Admission& admission);
  void probe_now();
  void configure(double rate, double burst);
  /// Lets POSTs and reads of jobs wait until it is known whose key it is. No park reason: it lasts a request.
  void hold_for_identity(bool hold);
  /// Called whenever a Retry-After holds everything for longer than before.
  void on_hold(std::function<void()> held) { held_ = std::move(held); }
  /// Who knows better than advice_for() what to do about a refused key.
  void on_refused_key(std::function<std::string()> advice) { key_advice_ = std::move(advice); }
  /// What holds for a reason, in a sentence with what to do.
  [[nodiscard]] std::string advice(ParkReason reason) const;
  /// Called whenever a park reason arises or is cleared.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
  /// Nothing is admitted any more; who waits is sent home.
  void close();
  [[nodiscard]] bool is_closed() const { return closed_; }

  [[nodiscard]] const Parking& parking() const { return parking_; }
  [[nodiscard]] BootTime held_until() const { return held_until_; }
  /// How long a Retry-After has held everything so far, the one under way counted whole.
  [[nodiscard]] BootClock::duration held_time() const { return held_time_; }

 private:
  struct Lane;
  class Waiting;
  void tell_of_long_hold(BootTime until);
  /// A time to wait for, or nothing when the request may go now.
  [[nodiscard]] std::optional<BootTime> obstacle(CallKind kind, BootTime now, Admission& admission);
  [[nodiscard]] std::optional<ParkReason> park_reason(CallKind kind) const;
  /// Whether something holds it that no probe can end.
  [[nodiscard]] bool stands_still(CallKind kind) const;
  [[nodiscard]] bool may_probe(CallKind kind, ParkReason reason) const;
  void wake();

  Timers& timers_;
  TokenBucket bucket_;     ///< of those admitted, which tells whose turn it is
  TokenBucket departing_;  ///< of those that leave
  Log& log_;
  Parking parking_;
  /// For each reason the kinds of requests that met it and have not been answered since, a bit each.
  std::array<unsigned, kParkReasons> met_{};
  std::array<std::unique_ptr<Lane>, 3> lanes_;
  std::unique_ptr<Lane> departures_;
  BootTime held_until_{};
  BootTime told_until_{};  ///< what the log said last
  BootClock::duration held_time_{};
  std::function<void()> held_;
  std::function<void()> changed_;
  std::function<std::string()> key_advice_;
  bool probing_ = false;
  bool identity_unknown_ = false;
  bool closed_ = false;
};

}  // namespace usherd
