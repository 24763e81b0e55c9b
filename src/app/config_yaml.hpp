#pragma once

#include "usherd/app/config_file.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd {

/// A YAML value with the place where it stands. Members of a mapping stay in order and may repeat.
struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  bool quoted = false;
  bool refused = false;  ///< stands for an alias, or is a list that holds one: its fault is told
  unsigned line = 0;
  unsigned column = 0;
  std::string text;             ///< of a scalar
  std::vector<YamlNode> items;  ///< of a list; the values of a map
  std::vector<YamlNode> names;  ///< of a map: one for each item
};

/// The first document of a YAML text. Further documents, aliases, anchors and tags go to `faults`, and the
/// value is read as if they were not there; so do syntax errors and nesting without end, and then there is
/// none.
[[nodiscard]] std::optional<YamlNode> parse_yaml(std::string_view text, std::vector<ConfigFault>& faults);

}  // namespace usherd
