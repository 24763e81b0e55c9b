#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Which Host header a browser may come with. A page elsewhere can make its own name point to this machine
/// (DNS rebinding), and reads what it fetches under that name; so only addresses, localhost and the names
/// that admin.hosts lists are answered. The port is not looked at.
class HostRule {
 public:
  /// `hosts` in lower case.
  explicit HostRule(std::vector<std::string> hosts = {}) : hosts_(std::move(hosts)) {}
  [[nodiscard]] bool allows(std::string_view host_header) const;
  /// Pages that simple probes ask for, which speak HTTP/1.0 and know no Host. No browser leaves it out.
  [[nodiscard]] static bool allows_without_host(std::string_view path);

 private:
  std::vector<std::string> hosts_;
};

}  // namespace usherd
