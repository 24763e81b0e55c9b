#pragma once

#include "usherd/app/command_line.hpp"
#include "usherd/app/config.hpp"

namespace usherd {

/// `usherd rejects`: looks into rejected/ itself; what changes something goes through the service, or, where
/// none runs, is done under the spool's lock. Answers on stdout, everything else on stderr.
[[nodiscard]] ExitCode run_rejects(const Config& config, const RejectsArguments& arguments);

}  // namespace usherd
