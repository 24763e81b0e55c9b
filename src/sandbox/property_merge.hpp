#pragma once

#include "usherd/sandbox/settings.hpp"

#include <simdjson.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace usherd::sandbox {

/// How an update's properties meet the stored ones.
struct MergeRules {
  Merge merge = Merge::deep;
  Nulls nulls = Nulls::clear;
};

/// Called for each property that is overwritten: dotted path, stored value, new value.
using Overwritten =
    std::function<void(const std::string& path, simdjson::dom::element stored, simdjson::dom::element fresh)>;

/// The stored properties (none: a new user) with an update's laid over them, as compact JSON. The newest
/// value wins, a value too large is dropped, a null takes the property away or leaves it as it is.
[[nodiscard]] std::string merge_properties(std::optional<simdjson::dom::object> stored,
                                           simdjson::dom::object fresh, const MergeRules& rules,
                                           const Overwritten& overwritten = {});

}  // namespace usherd::sandbox
