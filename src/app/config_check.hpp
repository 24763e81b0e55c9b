#pragma once

#include "usherd/app/config_file.hpp"

#include <map>
#include <string>
#include <vector>

namespace usherd {

/// Where each key that was given stands: path to line.
using ConfigLines = std::map<std::string, unsigned, std::less<>>;

/// Values that are good alone and impossible together; each fault stands at the key that was given.
void check_combinations(const Config& config, const ConfigLines& lines, std::vector<ConfigFault>& faults);

}  // namespace usherd
