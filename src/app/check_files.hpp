#pragma once

#include "usherd/app/config.hpp"
#include "usherd/app/exit_code.hpp"
#include "usherd/ports/files.hpp"

#include <string>
#include <vector>

namespace usherd {

/// `check FILE...`: every record against the rules, the first faults of each file shown, and the plan: how
/// many batches, and which limit makes them so. Reads only; touches neither spool nor state. Prints to
/// stdout.
[[nodiscard]] ExitCode check_files(Files& files, const Config& config, const std::vector<std::string>& paths);

/// `check --online`: one GET /me with the key.
[[nodiscard]] ExitCode check_online(const Config& config);

}  // namespace usherd
