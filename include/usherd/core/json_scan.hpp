#pragma once

#include <cstddef>
#include <string_view>

namespace usherd {

/// Where the JSON string that opens at `at` ends: the place behind its closing quote, or npos without one.
/// What stands in it is not checked.
[[nodiscard]] std::size_t json_string_end(std::string_view text, std::size_t at);

/// The same of the array or object that opens at `at`; brackets inside strings do not count. Which kind of
/// bracket closes which is not checked.
[[nodiscard]] std::size_t json_brackets_end(std::string_view text, std::size_t at);

}  // namespace usherd
