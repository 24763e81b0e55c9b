#pragma once

#include "usherd/core/clock.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace usherd {

/// How many records ended in each of the last 720 slots of 5 seconds: an hour, 6 KiB, whatever happens. Pure.
class RateRing {
 public:
  static constexpr std::chrono::seconds kSlot{5};
  static constexpr std::size_t kSlots = 720;

  /// Starts counting; what lies before has no rate.
  explicit RateRing(BootTime now) : started_(now), newest_(slot_of(now)) {}

  void add(BootTime now, std::uint64_t records);
  /// Records a second over the last `window` (at least a slot), or since the start where that is shorter.
  [[nodiscard]] double rate(BootTime now, std::chrono::seconds window) const;
  /// The last hour in `points` equal steps, oldest first, in records a second; `points` divides kSlots.
  [[nodiscard]] std::vector<double> history(BootTime now, std::size_t points) const;

 private:
  [[nodiscard]] static std::int64_t slot_of(BootTime time) { return time.time_since_epoch() / kSlot; }
  /// Of an absolute slot; 0 for what is older than the ring, or was never counted.
  [[nodiscard]] std::uint64_t in_slot(std::int64_t slot) const;

  std::array<std::uint64_t, kSlots> counts_{};
  BootTime started_;
  std::int64_t newest_;
};

}  // namespace usherd
