#include "usherd/adapters/systemd.hpp"

#include <systemd/sd-daemon.h>

#include <chrono>
#include <cstdint>

namespace usherd {

void Systemd::notify(const std::string& lines) {
  sd_notify(0, lines.c_str());
}

std::optional<BootClock::duration> Systemd::watchdog() const {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0)
    return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

}  // namespace usherd
