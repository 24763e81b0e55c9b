#pragma once

#include "usherd/app/exit_code.hpp"

#include <functional>

namespace usherd {

/// Runs a command whose results go to stdout, and sees that they got there: else it says so on stderr and the
/// command has failed. A reader that went away had enough, and is no failure.
[[nodiscard]] ExitCode run_to_stdout(const std::function<ExitCode()>& command);

}  // namespace usherd
