#include "usherd/submit/parking.hpp"

#include <algorithm>

namespace usherd {
namespace {

constexpr Milliseconds kFirstPace{2000};
constexpr Milliseconds kSlowestPace{60'000};
constexpr std::array<std::string_view, kParkReasons> kNames{"credentials", "endpoint", "organisation",
                                                            "refused",     "disk",     "paused"};

bool is_probed(ParkReason reason) {
  return reason == ParkReason::credentials || reason == ParkReason::endpoint;
}

}  // namespace

std::string_view to_string(ParkReason reason) {
  return kNames[static_cast<std::size_t>(reason)];
}

std::string_view advice_for(ParkReason reason) {
  switch (reason) {
    case ParkReason::credentials:
      return "the API refuses the key; put a good one into api.key_file, it is read again by itself";
    case ParkReason::endpoint:
      return "the API's address answers 404 or a redirect; correct api.base_url and reload";
    case ParkReason::organisation:
      return "the key belongs to another organisation than the unfinished work; put the old key back "
             "(api.key_file is read again by itself), or resume if that is meant";
    case ParkReason::refused:
      return "the API refused 20 records in a row with one code: mend what it names, then 'usherd resume'; "
             "'usherd trace UID' tells of a record before its file has settled, 'usherd rejects' after that";
    case ParkReason::disk:
      return "spool or state cannot be written; make room, or bring folders, owners and modes back: it goes "
             "on by itself";
    case ParkReason::paused:
      return "an operator paused it; 'usherd resume' goes on";
  }
  return "";
}

void Parking::park(ParkReason reason, BootTime now) {
  State& state = states_[static_cast<std::size_t>(reason)];
  if (!state.since)
    state.since = now;
  else if (now < state.next_probe)
    return;  // an answer to a request that was under way already says nothing new
  state.pace = state.pace == Milliseconds{0} ? kFirstPace : std::min(state.pace * 2, kSlowestPace);
  state.next_probe = now + state.pace;
}

void Parking::clear(ParkReason reason) {
  states_[static_cast<std::size_t>(reason)] = State{};
}

std::optional<ParkReason> Parking::first() const {
  for (std::size_t i = 0; i < kParkReasons; ++i) {
    if (states_[i].since)
      return static_cast<ParkReason>(i);
  }
  return std::nullopt;
}

std::optional<BootTime> Parking::next_probe(ParkReason reason) const {
  if (!is_probed(reason) || !holds(reason))
    return std::nullopt;
  return at(reason).next_probe;
}

void Parking::probe_now(ParkReason reason, BootTime now) {
  State& state = states_[static_cast<std::size_t>(reason)];
  if (state.since)
    state.next_probe = now;
}

}  // namespace usherd
