#pragma once

#include "usherd/app/command_line.hpp"
#include "usherd/app/config.hpp"
#include "usherd/core/log.hpp"
#include "usherd/core/result.hpp"

#include <memory>
#include <optional>
#include <string>

namespace usherd {

/// What a run came to, for the summary and the exit code.
struct RunSummary {
  ExitCode exit = ExitCode::ok;
  std::string error;   ///< why it failed; empty where it did not
  std::string report;  ///< of a drain that came to its end: for stdout
  std::string notes;   ///< the same: files that want a look, for stderr
};

/// The composition root: builds every part from a configuration, runs them on one event loop, stops them in
/// order. Owns the loop, the worker threads, the ledger and the locks.
class Daemon {
 public:
  enum class Mode : std::uint8_t { run, drain };
  struct Options {
    Mode mode = Mode::run;
    std::string config_path;              ///< read again on SIGHUP
    std::optional<Milliseconds> timeout;  ///< drain: give up after so long
    Milliseconds park_timeout{300'000};   ///< drain: give up when parked for so long
    bool progress_bar = false;
  };

  Daemon(Config config, Options options, std::shared_ptr<Log> log);

  /// Runs until stopped by SIGTERM or SIGINT, or until all is drained. Called once.
  [[nodiscard]] RunSummary run();

 private:
  Config config_;
  Options options_;
  std::shared_ptr<Log> log_;
};

}  // namespace usherd
