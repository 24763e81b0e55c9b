#include "src/app/log_choice.hpp"

#include "usherd/adapters/journal_log.hpp"
#include "usherd/app/environment.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace usherd {

std::shared_ptr<Log> log_of(const Config& config, bool beside_progress_bar) {
  struct stat status {};
  ::fstat(STDERR_FILENO, &status);
  const auto format =
      choose_log_format(config.log.format, process_environment(), status.st_dev, status.st_ino);
  // A bar and lines of progress would only get into each other's way.
  const bool quiet = beside_progress_bar && config.log.level == LogLevel::info;
  const auto level = quiet ? LogLevel::warning : config.log.level;
  return format == LogFormat::journal ? make_journal_log(level) : make_log(level, format);
}

void reconfigure_log(Log& log, const Config& config, bool beside_progress_bar) {
  const auto fresh = log_of(config, beside_progress_bar);
  log.sinks() = fresh->sinks();
  log.set_level(fresh->level());
}

}  // namespace usherd
