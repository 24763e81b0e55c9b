#pragma once

#include "usherd/core/clock.hpp"

#include <optional>
#include <string>

namespace usherd {

/// Who started the daemon and wants to hear from it.
class ServiceManager {
 public:
  virtual ~ServiceManager() = default;
  /// Lines of sd_notify(3), as "READY=1\nSTATUS=delivering". What cannot be told is dropped.
  virtual void notify(const std::string& lines) = 0;
  /// A sign of life must come at least this often; nothing where nobody waits for one.
  [[nodiscard]] virtual std::optional<BootClock::duration> watchdog() const = 0;
};

}  // namespace usherd
