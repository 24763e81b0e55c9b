#pragma once

#include "usherd/app/command_line.hpp"
#include "usherd/app/config.hpp"

namespace usherd {

/// `usherd trace`: answers on stdout, everything else on stderr.
[[nodiscard]] ExitCode run_trace(const Config& config, const TraceArguments& arguments);

}  // namespace usherd
