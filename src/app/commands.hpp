#pragma once

#include "usherd/app/command_line.hpp"

namespace usherd {

/// Does what the command line asks for: results on stdout, everything else on stderr.
[[nodiscard]] ExitCode run_command(const CommandLine& line);

}  // namespace usherd
