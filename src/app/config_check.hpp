#pragma once

#include "usherd/app/config_file.hpp"

#include <vector>

namespace usherd {

/// Values that are good alone and impossible together; each fault stands at the key that was given.
void check_combinations(const Config& config, const ConfigLines& lines, std::vector<ConfigFault>& faults);

}  // namespace usherd
