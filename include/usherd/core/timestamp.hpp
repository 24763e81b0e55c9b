#pragma once

#include "usherd/core/clock.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// RFC 3339 in UTC with milliseconds: "2026-11-24T01:48:00.123Z".
[[nodiscard]] std::string format_rfc3339(WallTime time);

/// An HTTP date in any of the three forms of RFC 9110, section 5.6.7, which a recipient must know: "Sun, 06
/// Nov 1994 08:49:37 GMT" and the obsolete "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994";
/// nothing when it is none.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text);

/// RFC 3339 with any number of fraction digits and Z or an offset; nothing when it is not one.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace usherd
