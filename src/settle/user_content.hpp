#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// A user as a record or an item of a result page gives it.
struct UserContent {
  std::string uid;  ///< empty where there is none
  std::string id;
  /// display_name, email and properties in one normal form: members sorted, empty ones left out, numbers by
  /// value (to 15 digits). Two users say the same when these texts are equal, whatever nulls, order or number
  /// forms were added.
  std::string content;
  /// These and schema by their full value: members sorted, nulls and empty ones kept, numbers with all their
  /// digits.
  std::string value;
  std::string text;  ///< the same members as they are written
};

/// Nothing when `json` is no JSON object.
[[nodiscard]] std::optional<UserContent> read_user_content(std::string_view json);

}  // namespace usherd
