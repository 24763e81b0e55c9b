#pragma once

#include <simdjson.h>

#include <optional>
#include <string_view>

namespace usherd::sandbox {

/// The members of one record that are known to the API, borrowed from the parsed body. A member that stands
/// twice counts with its last value; one that is null counts as absent, but for a null inside `properties`.
struct RecordView {
  std::optional<std::string_view> uid;
  std::optional<std::string_view> id;
  std::optional<std::string_view> display_name;
  std::optional<std::string_view> email;
  std::optional<simdjson::dom::object> properties;
  std::optional<simdjson::dom::object> schema;
  std::string_view wrong_type;  ///< a known member whose value has the wrong type
  std::string_view unknown;     ///< a member the API does not know

  /// What the user is told apart by: the uid, else the id, else nothing.
  [[nodiscard]] std::string_view key() const { return uid ? *uid : id.value_or(std::string_view()); }
};

[[nodiscard]] RecordView view_record(simdjson::dom::object record);

}  // namespace usherd::sandbox
