#pragma once

#include "src/sandbox/api_answer.hpp"
#include "usherd/core/clock.hpp"
#include "usherd/sandbox/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace usherd::sandbox {

/// The Retry-After header of a 429 in the form set; nothing: the header is left out.
[[nodiscard]] std::optional<std::string> retry_after_header(RetryAfter form, std::uint64_t seconds,
                                                            WallTime now);

/// Until when a client that obeys an answer's Retry-After waits; nothing where it names no time of use.
[[nodiscard]] std::optional<WallTime> announced_wait(const ApiAnswer& answer, WallTime now);

/// An HTTP date (IMF-fixdate) in whole seconds.
[[nodiscard]] std::string http_date(WallTime time);

}  // namespace usherd::sandbox
