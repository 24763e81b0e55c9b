#pragma once

#include <string_view>

namespace usherd {

/// What stands around the records of a body: the request of the users batch import API.
inline constexpr std::string_view kBodyHead = "{\"requests\":[";
inline constexpr std::string_view kBodyTail = "]}";

}  // namespace usherd
