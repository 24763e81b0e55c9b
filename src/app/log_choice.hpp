#pragma once

#include "usherd/app/config.hpp"
#include "usherd/core/log.hpp"

#include <memory>

namespace usherd {

/// The logger that the configuration asks for, with what stderr is taken into account. Beside a progress bar
/// only what matters is logged.
[[nodiscard]] std::shared_ptr<Log> log_of(const Config& config, bool beside_progress_bar);

/// Makes a running logger what the configuration asks for now. No other thread may be logging.
void reconfigure_log(Log& log, const Config& config, bool beside_progress_bar);

}  // namespace usherd
