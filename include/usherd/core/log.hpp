#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string_view>

namespace usherd {

/// Passed by reference to whatever logs; there is no global logger. Lines carry API codes, never API
/// messages, records, user keys or secrets.
using Log = spdlog::logger;

enum class LogLevel { error, warning, info, debug };
enum class LogFormat { journal, text, json };

/// A logger to stderr: "<6>line" for the journal, time and level for a terminal, or one JSON object a line.
[[nodiscard]] std::shared_ptr<Log> make_log(LogLevel level, LogFormat format);

/// A logger that drops everything: for tests.
[[nodiscard]] std::shared_ptr<Log> make_silent_log();

}  // namespace usherd
