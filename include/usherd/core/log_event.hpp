#pragma once

#include "usherd/core/log.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/fmt/fmt.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd {

/// What a line tells of, where programs may want to know it. Each has a MESSAGE_ID, which never changes, and
/// an entry in systemd/usherd.catalog.
enum class LogEvent : std::uint8_t {
  none,
  started,
  stopping,
  parked,
  unparked,
  reloaded,
  reload_refused,
  key_changed,
  file_finished,
  file_refused,
  file_left,  ///< stays in incoming/ until somebody acts
  batch_rekeyed,
  api_fails,
  api_answers,  ///< after api_fails
  unwell,       ///< no sign of life is given to the watchdog
};
inline constexpr std::size_t kLogEvents = 15;

/// 32 hexadecimal digits; empty for none.
[[nodiscard]] std::string_view message_id(LogEvent event);
[[nodiscard]] std::string_view to_string(LogEvent event);

/// What a line is about, besides its text. What it points to must live as long as the call that logs it.
struct LogContext {
  LogEvent event = LogEvent::none;
  std::string_view file = {};
  std::uint64_t batch = 0;  ///< 0: none
  std::string_view job = {};
  std::string_view reason = {};
};

/// Where a logger of spdlog, which knows no context, carries it to its sinks.
[[nodiscard]] spdlog::source_loc place_of(const LogContext& context);

/// Logs a line with its context. Text is for people; the context becomes journal fields or JSON members.
template <class... Args>
void log_event(Log& log, LogLevel level, const LogContext& context, fmt::format_string<Args...> text,
               Args&&... args) {
  log.log(place_of(context), to_spdlog(level), text, std::forward<Args>(args)...);
}

/// The context of a line that log_event() made; null for any other.
[[nodiscard]] const LogContext* context_of(const spdlog::details::log_msg& message);

/// "PRIORITY=4", "MESSAGE=...", "MESSAGE_ID=..." and the fields of the context that are set: what goes into
/// the journal.
[[nodiscard]] std::vector<std::string> journal_fields(const spdlog::details::log_msg& message);

}  // namespace usherd
