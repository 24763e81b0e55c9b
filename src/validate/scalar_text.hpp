#pragma once

#include <string_view>

namespace usherd {

/// Whether `text` is a JSON number (RFC 8259 section 6) without sign that a double holds, and 64 bits where
/// it is a whole one: of at most 18 digits before the point and an exponent of at most two. Eight bytes from
/// its start must be readable.
[[nodiscard]] bool is_small_number(std::string_view text);

/// Whether four hexadecimal digits stand at `digits` that are no half of a surrogate pair.
[[nodiscard]] bool is_lone_unit(const char* digits);

}  // namespace usherd
