#pragma once

#include "usherd/app/command_line.hpp"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace usherd {

void declare_trace(CLI::App& app, TraceArguments& trace);
void declare_rejects(CLI::App& app, RejectsArguments& rejects);

/// Which of its actions was chosen; the reason why that cannot be done, or nothing.
[[nodiscard]] std::optional<std::string> take_rejects(const CLI::App& command, RejectsArguments& rejects);

}  // namespace usherd
