#pragma once

#include "usherd/sandbox/call.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd::sandbox {

/// A request's target taken apart: path segments and query parameters, percent-decoded.
struct Target {
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> query;

  /// The first parameter of that name.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

[[nodiscard]] Target parse_target(std::string_view target);
/// Below a base path, as "/gateway", of which nothing is left; without a path where it does not stand there.
[[nodiscard]] Target parse_target_below(std::string_view base, std::string_view target);

/// What a request asks of the API.
struct Route {
  Call call = Call::other;
  std::string id;  ///< job or user id
};

[[nodiscard]] Route route_of(std::string_view method, const Target& target);

}  // namespace usherd::sandbox
