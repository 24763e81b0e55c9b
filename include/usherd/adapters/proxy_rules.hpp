#pragma once

#include "usherd/core/result.hpp"
#include "usherd/core/secret.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace usherd {

/// An HTTP proxy that is asked to CONNECT.
struct ProxyAddress {
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<const Secret> credentials = {};  ///< "user:password"; empty for none

  /// For messages: without the credentials.
  [[nodiscard]] std::string host_port() const;
};

/// Parses "http://[user[:password]@]host[:port]" (port 80), the scheme being optional as in HTTPS_PROXY. User
/// and password may be percent-encoded. Other schemes are errors; messages never repeat anything of the text,
/// where a password may stand in the place of anything.
[[nodiscard]] Result<ProxyAddress> parse_proxy_url(std::string_view text);

/// Whether NO_PROXY exempts this host, by curl's rules: names separated by commas or blanks match themselves
/// and what lies below them, a leading dot makes no difference, the entry "*" matches all; addresses match as
/// addresses, alone or as a CIDR block. An entry may end in ":port".
[[nodiscard]] bool bypasses_proxy(std::string_view no_proxy, std::string_view host, std::uint16_t port);

}  // namespace usherd
