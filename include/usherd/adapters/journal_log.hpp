#pragma once

#include "usherd/core/log.hpp"

#include <memory>

namespace usherd {

/// A logger to the journal, with priority, MESSAGE_ID and the USHERD_ fields of what a line is about. A line
/// that the journal does not take, or for which there is none, goes to stderr as "<6>line".
[[nodiscard]] std::shared_ptr<Log> make_journal_log(LogLevel level);

}  // namespace usherd
