#pragma once

#include "src/spool/line_buffer.hpp"

#include <string_view>

namespace usherd {

/// Appends an ISO 8601 date or time as a JSON string: YYYY-MM-DD, behind it perhaps T (or a blank, which
/// becomes T), hh:mm, :ss, a fraction of up to nine digits, and Z, +hh, +hhmm or +hh:mm. False where it is
/// none, or no day or hour of the calendar.
[[nodiscard]] bool append_date(LineBuffer& out, std::string_view text);

}  // namespace usherd
