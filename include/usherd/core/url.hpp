#pragma once

#include "usherd/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace usherd {

/// An http or https address taken apart: the part all requests of one API share.
struct Url {
  bool tls = true;   ///< https
  std::string host;  ///< lower case; IPv6 literals without brackets
  std::uint16_t port = 443;
  std::string prefix;  ///< "" or "/some/path" without a final slash

  /// "host" or "host:port" as a Host header wants it: brackets around IPv6, the scheme's own port left out.
  [[nodiscard]] std::string authority() const;
  /// "host:port", always with the port: for messages and CONNECT.
  [[nodiscard]] std::string host_port() const;
};

/// Parses "https://host[:port][/prefix]". User names, queries, fragments, other schemes and hosts that are
/// neither a DNS name nor an address are errors that say so; a user name is never repeated in the message.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

/// Parses "host" or "host:port" with IPv6 in brackets into url.host and url.port; without a port, that stays.
[[nodiscard]] Result<void> parse_authority(std::string_view text, Url& url);

/// localhost, 127.0.0.0/8 and ::1, as written; names are not looked up.
[[nodiscard]] bool is_loopback_host(std::string_view host);

/// An IPv4 or IPv6 address without brackets and zone.
[[nodiscard]] bool is_ip_address(std::string_view host);

}  // namespace usherd
