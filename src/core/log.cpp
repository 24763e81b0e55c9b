#include "usherd/core/log.hpp"

#include "usherd/core/log_event.hpp"
#include "usherd/core/text.hpp"
#include "usherd/core/timestamp.hpp"

#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/null_sink.h>

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace usherd {
namespace {

void append(spdlog::memory_buf_t& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

/// "<N>text": systemd reads the syslog priority off the front and adds time and unit itself.
class JournalFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    constexpr std::array<std::string_view, 7> priorities{"<7>", "<7>", "<6>", "<4>", "<3>", "<2>", "<6>"};
    append(out, priorities[static_cast<std::size_t>(message.level)]);
    append(out, text_of(message));
    out.push_back('\n');
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JournalFormatter>();
  }
};

/// The text of a line in a pattern, as "%*".
class BoundedText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    append(out, text_of(message));
  }
  [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<BoundedText>();
  }
};

void append_context(std::string& line, const LogContext& context) {
  const auto member = [&line](std::string_view name, std::string_view value) {
    if (value.empty())
      return;
    line += ",\"";
    line += name;
    line += "\":";
    append_json_string(line, printable(value));
  };
  member("event", to_string(context.event));
  member("file", context.file);
  if (context.batch != 0)
    line += ",\"batch\":" + std::to_string(context.batch);
  member("job", context.job);
  member("reason", context.reason);
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    std::string line = "{\"time\":\"";
    line += format_rfc3339(std::chrono::time_point_cast<std::chrono::milliseconds>(message.time));
    line += "\",\"level\":\"";
    const auto level = spdlog::level::to_string_view(message.level);
    line.append(level.data(), level.size());
    line += "\",\"message\":";
    append_json_string(line, text_of(message));
    if (const auto* context = context_of(message))
      append_context(line, *context);
    line += "}\n";
    append(out, line);
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

std::unique_ptr<spdlog::formatter> text_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<BoundedText>('*').set_pattern("%H:%M:%S.%e %^%-7l%$ %*");
  return formatter;
}

}  // namespace

std::string text_of(const spdlog::details::log_msg& message) {
  constexpr std::size_t kMostLine = 4000;
  return printable({message.payload.data(), message.payload.size()}, kMostLine);
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

std::shared_ptr<Log> make_log(LogLevel level, LogFormat format) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool plain = no_color != nullptr && *no_color != '\0';
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(
      plain ? spdlog::color_mode::never : spdlog::color_mode::automatic);
  if (format == LogFormat::journal)
    sink->set_formatter(std::make_unique<JournalFormatter>());
  else if (format == LogFormat::json)
    sink->set_formatter(std::make_unique<JsonFormatter>());
  else
    sink->set_formatter(text_formatter());
  auto log = std::make_shared<Log>("usherd", std::move(sink));
  log->set_level(to_spdlog(level));
  log->flush_on(spdlog::level::trace);
  return log;
}

std::shared_ptr<Log> make_silent_log() {
  auto log = std::make_shared<Log>("silent", std::make_shared<spdlog::sinks::null_sink_mt>());
  log->set_level(spdlog::level::off);
  return log;
}

}  // namespace usherd
