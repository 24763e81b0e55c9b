#pragma once

#include "config_values.hpp"

#include "usherd/app/config.hpp"

#include <span>
#include <string>
#include <string_view>

namespace usherd {

/// One key of the configuration file: where it stands, and how its value enters a Config.
struct ConfigKey {
  std::string_view section;  ///< empty for a key at the top
  std::string_view name;
  Verdict (*read)(const YamlNode& node, Config& config);
  bool may_be_empty = false;  ///< "name:" with nothing behind it means something

  [[nodiscard]] std::string path() const;
};

/// Every key there is, in the order of the documentation.
[[nodiscard]] std::span<const ConfigKey> config_keys();

[[nodiscard]] const ConfigKey* find_config_key(std::string_view section, std::string_view name);
[[nodiscard]] bool is_config_section(std::string_view name);

/// What somebody who wrote `name` in `section` (empty: at the top) may have meant.
[[nodiscard]] std::string hint_for_unknown_key(std::string_view section, std::string_view name);

}  // namespace usherd
