#pragma once

#include <string>
#include <string_view>

namespace usherd {

/// Whom a record names that no parser takes: numbers beyond all ranges, too many brackets, a comma too many.
struct RawUser {
  std::string uid;  ///< empty where none can be told
  std::string id;
};

/// Passes over what stands between its top-level members without a look at it, as far as that goes. Pure.
[[nodiscard]] RawUser read_raw_user(std::string_view text);

}  // namespace usherd
