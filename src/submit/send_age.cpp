#include "usherd/submit/send_age.hpp"

#include "usherd/core/units.hpp"

#include <algorithm>
#include <chrono>

namespace usherd {

BootClock::duration send_age(const SendTime& sent, const SendTime& now) {
  const BootClock::duration by_wall = now.wall - sent.wall;
  const BootClock::duration by_boot =
      sent.boot_id == now.boot_id ? now.boot - sent.boot : now.boot.time_since_epoch();
  return std::max(by_wall, by_boot);
}

SendTime agreed(const SendTime& sent, const SendTime& now) {
  // Whole milliseconds, as the wall clock has, and none too few.
  const auto age = std::chrono::ceil<Milliseconds>(send_age(sent, now));
  return {now.wall - age, now.boot - age, now.boot_id};
}

}  // namespace usherd
