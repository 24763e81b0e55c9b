#pragma once

#include "usherd/batch/merge.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

struct FlatProperty {
  std::string name;        // unescaped
  std::string_view value;  // as written
  ValueType type;
};

/// A mergeable record taken apart without a parser, so that its values keep their bytes. Views into its text;
/// what is absent is empty.
struct FlatRecord {
  std::string_view uid;  // as written, with quotes
  std::string_view id;
  std::string_view display_name;
  std::string_view email;
  bool has_properties = false;
  std::vector<FlatProperty> properties;
};

/// Nothing where the record is not mergeable (see kMergeable) or not well-formed. Relies on a validator for
/// the rest: UTF-8, names, lengths, the grammar of numbers.
[[nodiscard]] std::optional<FlatRecord> parse_flat_record(std::string_view text);

/// The text of a valid JSON string with its quotes.
[[nodiscard]] std::string unescape(std::string_view quoted);

/// The type of a string value with its quotes.
[[nodiscard]] ValueType type_of_text(std::string_view quoted);

}  // namespace usherd
