#pragma once

#include "usherd/app/config.hpp"

#include <string>
#include <vector>

namespace usherd {

/// What a running service uses after it read its configuration again.
struct ReloadedConfig {
  Config config;                     ///< the new one, with directories and listeners as they run
  std::vector<std::string> waiting;  ///< keys whose new value waits for a restart
};

/// Directories and listeners stay until a restart; everything else holds at once.
[[nodiscard]] ReloadedConfig reload_config(const Config& running, Config fresh);

}  // namespace usherd
