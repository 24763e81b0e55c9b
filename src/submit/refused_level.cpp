#include "usherd/submit/refused_level.hpp"

#include <algorithm>
#include <cmath>

namespace usherd {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

/// What a step down leaves of what was held. A level that was only probed may be the same as ever: a little,
/// so that neighbours find room. One that was met without a probe has fallen, and may go on falling.
constexpr double kProbed = 0.97;
constexpr double kFallen = 0.9;
/// Refused again with nothing accepted between: the level has jumped, is anywhere below, and is looked for
/// from below, but not up to what was just refused.
constexpr double kSearch = 0.65;
constexpr double kSearchEnd = 0.85;
constexpr auto kSearchRise = 40s;
/// Jobs that ended unnoticed are counted as held: levels that differ by less are the same.
constexpr double kSameLevel = 0.03;
constexpr double kSamePlaces = 1.5;

/// From a refusal to a probe when half of the limits is held.
constexpr auto kPatience = 85s;
constexpr double kLeastPatience = 0.8;
constexpr double kMostPatience = 3;
constexpr double kSteadier = 1.5;
constexpr double kMostSteady = 2.5;
/// A neighbour that jumps is probed less often, as what a probe finds may soon be worth nothing: after a
/// search, and after so many steps down in all.
constexpr double kJumpy = 2;
constexpr unsigned kJumpySteps = 3;

constexpr auto kCurveStep = 5s;
constexpr auto kIdle = 1min;
/// Of the places that are left below the level, how many may be under way; and POSTs that must be accepted
/// after a refusal before one more may.
constexpr double kPlacesAPost = 2;
constexpr unsigned kAcceptedAPost = 8;
/// A batch may be larger than all of the limits.
constexpr double kLargestPlace = 0.5;
constexpr double kRounding = 1e-9;

BootClock::duration times(BootClock::duration time, double factor) {
  return std::chrono::duration_cast<BootClock::duration>(time * factor);
}

}  // namespace

void RefusedLevel::refused(double held, double place, BootTime now) {
  // It was under way already when the last refusal came: nothing new.
  const bool known = !is_whole() && held + place > usable_ + kRounding;
  if (!known)
    step_down(held, std::min(place, kLargestPlace));
  accepted_ = 0;
  idle_ = 0;
  moved_at_ = refused_at_ = stepped_at_ = now;
}

void RefusedLevel::step_down(double held, double place) {
  const bool first = is_whole();
  const double same = std::max(kSamePlaces * place, kSameLevel * held_);
  const bool steady = !first && std::abs(held - held_) <= same;
  const bool falls = !first && held < std::min(held_, held_before_) - same;
  searches_ = !first && !steady && accepted_ == 0;
  steady_ = steady ? steady_ + 1 : 0;
  jumpy_ = searches_ ? kJumpySteps : jumpy_ > 0 ? jumpy_ - 1 : 0;
  patience_ = rise_ = time_to_probe(held);
  if (searches_) {
    floor_ = held * kSearch;
    plateau_ = held * kSearchEnd;
    rise_ = std::min<BootClock::duration>(rise_, kSearchRise);
  } else if (falls) {
    floor_ = plateau_ = held * kFallen;
  } else {
    plateau_ = steady ? std::min(held, held_) : held;
    floor_ = plateau_ * (probes_ ? kProbed : kFallen);
  }
  usable_ = std::max(place, std::min(usable_, floor_));
  place_ = place;
  held_before_ = first ? 1 : held_;
  held_ = held;
  probes_ = false;
}

BootClock::duration RefusedLevel::time_to_probe(double held) const {
  // A probe costs a refusal and finds at most what is not held: the cheapest pace goes by the root of cost
  // over gain.
  const double worth = std::sqrt(0.5 / std::max(0.01, 1 - held));
  const double steady = steady_ > 1 ? std::min(kMostSteady, std::pow(kSteadier, steady_ - 1)) : 1;
  return times(kPatience,
               std::clamp(worth, kLeastPatience, kMostPatience) * steady * (jumpy_ > 0 ? kJumpy : 1));
}

double RefusedLevel::curve(BootTime now) const {
  if (searches_ && accepted_ == 0)
    return floor_;
  const double left = std::max(0.0, 1 - Seconds(now - refused_at_) / Seconds(rise_));
  return plateau_ - place_ * std::round((plateau_ - floor_) * left * left * left / place_);
}

void RefusedLevel::raise_to(double usable) {
  usable_ = std::max(usable_, usable);
  if (usable_ > 1 - kRounding)
    *this = RefusedLevel();
}

void RefusedLevel::accepted(bool full, BootTime now) {
  if (is_whole())
    return;
  moved_at_ = now;
  idle_ = 0;
  ++accepted_;
  if (probes_ && full)
    raise_to(usable_ + place_);
}

std::optional<BootTime> RefusedLevel::grows_at() const {
  if (is_whole())
    return std::nullopt;
  const auto idle = moved_at_ + kIdle * (idle_ + 1);
  return probes_ ? idle : std::min(idle, std::min(stepped_at_ + kCurveStep, refused_at_ + patience_));
}

void RefusedLevel::grow(BootTime now) {
  const auto due = grows_at();
  if (!due || now < *due)
    return;
  if (now >= moved_at_ + kIdle * (idle_ + 1)) {
    ++idle_;
    raise_to(usable_ + place_);
  }
  if (is_whole() || probes_)
    return;
  stepped_at_ = now;
  raise_to(curve(now));
  if (now >= refused_at_ + patience_) {
    probes_ = true;
    raise_to(usable_ + place_);
  }
}

double RefusedLevel::posts(double held) const {
  const double left = (usable_ - held) / place_ / kPlacesAPost;
  const unsigned earned = accepted_ / kAcceptedAPost;
  // Whoever waited for a minute in vain waits for one that may be stuck.
  return std::max(1.0, std::min(left, 1.0 + earned)) + idle_;
}

}  // namespace usherd
