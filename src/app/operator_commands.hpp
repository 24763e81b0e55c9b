#pragma once

#include "usherd/app/command_line.hpp"
#include "usherd/app/config.hpp"

namespace usherd {

/// The commands that ask a running service through its admin socket: status, pause, resume, jobs. Answers on
/// stdout, everything else on stderr.
[[nodiscard]] ExitCode run_operator_command(const Config& config, const CommandLine& line);

}  // namespace usherd
