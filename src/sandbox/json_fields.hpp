#pragma once

#include "usherd/core/random.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd::sandbox {

/// How an answer's JSON may differ without breaking the contract.
struct Quirks {
  bool omit_defaults = false;   ///< members of value 0, "", [], {}, false and null are left out
  bool explicit_nulls = false;  ///< members that have no value are written as null
  bool extra_fields = false;    ///< members nobody asked for are added
  bool shuffle_fields = false;
};

/// One JSON object of an answer, member by member, written under the quirks in force. Values given as JSON
/// must be valid: they are copied as they stand. `random` must outlive it.
class JsonFields {
 public:
  JsonFields(const Quirks& quirks, Random& random) : quirks_(quirks), random_(random) {}

  JsonFields& text(std::string_view name, std::string_view value);
  JsonFields& number(std::string_view name, std::uint64_t value);
  JsonFields& json(std::string_view name, std::string value);
  /// A member without a value: left out, or null under explicit_nulls.
  JsonFields& nothing(std::string_view name);
  [[nodiscard]] std::string str();

 private:
  Quirks quirks_;
  Random& random_;
  std::vector<std::pair<std::string, std::string>> members_;
};

}  // namespace usherd::sandbox
