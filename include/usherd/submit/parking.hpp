#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace usherd {

/// Why delivery or intake stands still, by the names the operator sees.
enum class ParkReason : std::uint8_t { credentials, endpoint, organisation, refused, disk, paused };
inline constexpr std::size_t kParkReasons = 6;

[[nodiscard]] std::string_view to_string(ParkReason reason);
/// What holds for it, in a sentence with what to do.
[[nodiscard]] std::string_view advice_for(ParkReason reason);

/// Which reasons hold, since when, and when the next probe may go: one at a time, at a slow and growing pace.
/// Pure.
class Parking {
 public:
  /// The reason holds from now on; a further call after a failed probe slows the pace.
  void park(ParkReason reason, BootTime now);
  void clear(ParkReason reason);
  [[nodiscard]] bool holds(ParkReason reason) const { return at(reason).since.has_value(); }
  [[nodiscard]] std::optional<ParkReason> first() const;
  [[nodiscard]] std::optional<BootTime> since(ParkReason reason) const { return at(reason).since; }
  /// When a probe for this reason may go; nothing for reasons that only an operator or the disk ends.
  [[nodiscard]] std::optional<BootTime> next_probe(ParkReason reason) const;
  /// Lets the next probe go at once: a new key or configuration is there.
  void probe_now(ParkReason reason, BootTime now);

 private:
  struct State {
    std::optional<BootTime> since;
    BootTime next_probe{};
    Milliseconds pace{0};
  };
  [[nodiscard]] const State& at(ParkReason reason) const { return states_[static_cast<std::size_t>(reason)]; }
  std::array<State, kParkReasons> states_;
};

}  // namespace usherd
