#include "usherd/app/environment.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace usherd {

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

LogFormat choose_log_format(LogFormatChoice choice, const Environment& environment, std::uint64_t device,
                            std::uint64_t inode) {
  if (choice == LogFormatChoice::json)
    return LogFormat::json;
  return environment("JOURNAL_STREAM") == fmt::format("{}:{}", device, inode) ? LogFormat::journal
                                                                              : LogFormat::text;
}

}  // namespace usherd
