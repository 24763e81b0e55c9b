#pragma once

#include <chrono>
#include <cstdint>

namespace usherd {

/// Time since boot, suspend included, that no operator can set. Deadlines and waits are reckoned in it.
struct BootClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using BootTime = BootClock::time_point;

[[nodiscard]] inline double in_milliseconds(BootClock::duration span) {
  return std::chrono::duration<double, std::milli>(span).count();
}

/// Calendar time: for receipts and key ages, never for waits.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Both clocks, read together.
struct Instant {
  BootTime boot{};
  WallTime wall{};
};

}  // namespace usherd
