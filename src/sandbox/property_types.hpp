#pragma once

#include <simdjson.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace usherd::sandbox {

/// The type FullStory gives a value nobody declared: every number is a real, ISO 8601 text is a date, lists
/// are the plural of their first item's. Objects have none: their members do.
[[nodiscard]] std::string_view inferred_type(simdjson::dom::element value);

/// What a user's properties are declared as, and which of them changed their type. Keys are dotted paths.
struct PropertyTypes {
  std::map<std::string, std::string, std::less<>> declared;
  std::map<std::string, std::set<std::string>, std::less<>> conflicts;
};

/// Takes over a record's `schema`; a declaration that names no known type is ignored.
void declare(PropertyTypes& types, simdjson::dom::object schema);

/// {"properties":{path:type}} of stored properties.
[[nodiscard]] std::string schema_json(const PropertyTypes* types, simdjson::dom::object properties);

/// {"properties":{path:[types]}}, or nothing to say: an empty string.
[[nodiscard]] std::string conflicts_json(const PropertyTypes* types);

}  // namespace usherd::sandbox
