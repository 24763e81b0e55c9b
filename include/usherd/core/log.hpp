#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>
#include <string_view>

namespace usherd {

/// Passed by reference to whatever logs; there is no global logger. Lines carry API codes, never API
/// messages, records, user keys or secrets.
using Log = spdlog::logger;

enum class LogLevel { error, warning, info, debug };
enum class LogFormat { journal, text, json };

/// A logger to stderr: "<6>line" for the journal, time and level for a terminal, or one JSON object a line.
[[nodiscard]] std::shared_ptr<Log> make_log(LogLevel level, LogFormat format);

[[nodiscard]] spdlog::level::level_enum to_spdlog(LogLevel level);

/// The text of a line for a terminal or a file: bounded, and unable to make a second line.
[[nodiscard]] std::string text_of(const spdlog::details::log_msg& message);

/// A logger that drops everything: for tests.
[[nodiscard]] std::shared_ptr<Log> make_silent_log();

}  // namespace usherd
