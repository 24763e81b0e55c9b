#include "usherd/admin/host_rule.hpp"

#include "usherd/core/url.hpp"

#include <algorithm>

namespace usherd {

bool HostRule::allows(std::string_view host_header) const {
  // parse_authority() makes it lower case.
  Url url;
  if (host_header.empty() || !parse_authority(host_header, url))
    return false;
  return url.host == "localhost" || is_ip_address(url.host) ||
         std::find(hosts_.begin(), hosts_.end(), url.host) != hosts_.end();
}

bool HostRule::allows_without_host(std::string_view path) {
  return path == "/healthz" || path == "/readyz" || path == "/metrics";
}

}  // namespace usherd
