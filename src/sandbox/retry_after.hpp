#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/sandbox/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace usherd::sandbox {

/// A Retry-After header: its value (none: the header is left out) and until when an obedient client waits.
struct RetryAfterHeader {
  std::optional<std::string> value;
  std::optional<WallTime> until;
};

[[nodiscard]] RetryAfterHeader retry_after_header(RetryAfter form, std::uint64_t seconds, WallTime now);

/// An HTTP date (IMF-fixdate) in whole seconds.
[[nodiscard]] std::string http_date(WallTime time);

}  // namespace usherd::sandbox
