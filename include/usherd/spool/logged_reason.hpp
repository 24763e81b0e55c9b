#pragma once

#include <string>
#include <string_view>

namespace usherd {

/// What a log may tell of a refusal's message. That of a CSV header shows its cells, which in a file without
/// a header row are somebody's record: of it the place alone is left, as in "line 1, column 2", or nothing
/// where it names none. All others tell only of the form of a file, and stay as they are.
[[nodiscard]] std::string logged_reason(std::string_view code, std::string_view message);

}  // namespace usherd
