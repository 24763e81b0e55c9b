#pragma once

#include "usherd/ports/service_manager.hpp"

namespace usherd {

/// systemd, through the socket of NOTIFY_SOCKET. Without one, nobody listens and nothing is said.
class Systemd final : public ServiceManager {
 public:
  void notify(const std::string& lines) override;
  [[nodiscard]] std::optional<BootClock::duration> watchdog() const override;
};

}  // namespace usherd
