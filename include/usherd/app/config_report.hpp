#pragma once

#include "usherd/app/config_file.hpp"
#include "usherd/app/environment.hpp"
#include "usherd/app/exit_code.hpp"

#include <string>

namespace usherd {

/// What a command prints, and how it ends.
struct ConfigReport {
  ExitCode code = ExitCode::ok;
  std::string out;  ///< for stdout
  std::string err;  ///< for stderr
};

/// `check` without files: the configuration is good, with the values that follow from it, or all its faults.
/// A key, trust roots and a proxy that cannot be used are faults too; those of the keys that could be read
/// are told beside faults of the text.
[[nodiscard]] ConfigReport report_config(const ConfigOutcome& outcome, const Environment& environment);

}  // namespace usherd
