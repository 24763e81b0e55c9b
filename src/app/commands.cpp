#include "src/app/commands.hpp"

#include "src/app/check_files.hpp"
#include "src/app/config_keys.hpp"
#include "src/app/held_reload.hpp"
#include "src/app/log_choice.hpp"
#include "src/app/named_files.hpp"
#include "src/app/operator_commands.hpp"
#include "src/app/rejects_command.hpp"
#include "src/app/screen.hpp"
#include "src/app/standard_output.hpp"
#include "src/app/trace_command.hpp"
#include "usherd/adapters/posix_files.hpp"
#include "usherd/app/config_file.hpp"
#include "usherd/app/config_report.hpp"
#include "usherd/app/daemon.hpp"
#include "usherd/app/doctor.hpp"
#include "usherd/app/environment.hpp"
#include "usherd/app/version.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/drop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>

namespace usherd {
namespace {

/// The configuration, or nothing after its faults were printed.
std::optional<Config> config_of(const CommandLine& line) {
  auto outcome = load_config(line.config_file);
  if (outcome.good())
    return std::move(outcome.config);
  tell("{}", format_faults(outcome));
  return std::nullopt;
}

/// Whether a fault leaves open where the service listens: it stands at the file as a whole, at the section
/// of the socket or its own key, or at what may be either misspelt.
bool hides_socket(const ConfigFault& fault) {
  const auto dot = fault.key.find('.');
  const auto section = fault.key.substr(0, dot);
  if (dot == std::string::npos)
    return section == "admin" || (!is_config_section(section) && find_config_key("", section) == nullptr);
  if (section != "admin")
    return !is_config_section(section);
  const auto name = fault.key.substr(dot + 1);
  return name == "socket" || find_config_key(section, name) == nullptr;
}

/// For commands that need the service's socket alone: when a reload has found a fault they are wanted most,
/// and the service runs on.
ExitCode ask_service(const CommandLine& line) {
  const auto outcome = load_config(line.config_file);
  if (outcome.good())
    return run_operator_command(outcome.config, line);
  tell("{}", format_faults(outcome));
  if (std::any_of(outcome.faults.begin(), outcome.faults.end(), hides_socket))
    return ExitCode::config;
  const auto exit = run_operator_command(outcome.config, line);
  return exit == ExitCode::unavailable ? ExitCode::config : exit;
}

ExitCode run_daemon(const CommandLine& line, Daemon::Options options) {
  // To open a large ledger takes its time: the configuration may change after it was read here.
  hold_reload();
  // Whoever reads the log may go away: delivery does not end for it.
  std::signal(SIGPIPE, SIG_IGN);
  // As a reload does, for the same file shall be good or bad at any time.
  auto outcome = load_config(line.config_file);
  add_named_faults(outcome, process_environment());
  if (!outcome.good()) {
    tell("{}", format_faults(outcome));
    return ExitCode::config;
  }
  const auto& config = outcome.config;
  options.config_path = line.config_file;
  Daemon daemon(config, options, log_of(config, options.progress_bar));
  const auto summary = daemon.run();
  std::fputs(summary.report.c_str(), stdout);
  tell("{}", summary.notes);
  if (!summary.error.empty())
    tell("usherd: {}\n", summary.error);
  return summary.exit;
}

ExitCode drain(const CommandLine& line) {
  Daemon::Options options;
  options.mode = Daemon::Mode::drain;
  options.timeout = line.drain.timeout;
  options.park_timeout = line.drain.park_timeout;
  options.progress_bar = is_screen(STDERR_FILENO);
  return run_daemon(line, options);
}

/// 0, or why standard output did not take its name.
int tell_dropped(const std::string& file, const std::string& name) {
  // A script takes it as it is; a terminal takes no orders from it.
  const auto shown = ::isatty(STDOUT_FILENO) != 0 ? printable(name) : name;
  return print_done(shown + "\n",
                    fmt::format("usherd: {} was dropped, as {}: do not submit it again\n",
                                file == "-" ? "standard input" : printable(file, 400), printable(name)));
}

ExitCode submit(const CommandLine& line) {
  const auto config = config_of(line);
  if (!config)
    return ExitCode::config;
  PosixFiles files;
  const SpoolLayout layout(config->spool.directory);
  auto exit = ExitCode::ok;
  int unsaid = 0;
  for (const auto& file : line.submit.files) {
    const auto name = file == "-" ? drop_descriptor(files, layout, line.submit.name, STDIN_FILENO)
                                  : drop_file(files, layout, file);
    if (name) {
      if (const int failed = tell_dropped(file, *name); failed != 0)
        unsaid = failed;
      continue;
    }
    tell("usherd: {}\n", name.error().message);
    exit = ExitCode::failure;
  }
  if (unsaid != 0)
    throw std::system_error(unsaid, std::generic_category());
  return exit;
}

ExitCode doctor(const CommandLine& line) {
  const auto config = config_of(line);
  if (!config)
    return ExitCode::config;
  PosixFiles files;
  return run_doctor(*config, files, line.doctor.repair);
}

ExitCode check(const CommandLine& line) {
  const auto outcome = load_config(line.config_file);
  const auto report = report_config(outcome, process_environment());
  std::fputs(report.out.c_str(), stdout);
  tell("{}", report.err);
  auto exit = report.code;
  if (outcome.good() && !line.check.files.empty()) {
    PosixFiles files;
    const auto checked = check_files(files, outcome.config, line.check.files);
    if (exit == ExitCode::ok)
      exit = checked;
  }
  // Refused records say nothing about the key; that it could not be proven weighs more than they do.
  if (report.code == ExitCode::ok && line.check.online) {
    const auto proven = check_online(outcome.config);
    if (proven != ExitCode::ok && exit != ExitCode::failure)
      exit = proven;
  }
  return exit;
}

}  // namespace

ExitCode run_command(const CommandLine& line) {
  switch (line.command) {
    case Command::run:
      return run_daemon(line, Daemon::Options{});
    case Command::drain:
      return drain(line);
    case Command::submit:
      return submit(line);
    case Command::check:
      return check(line);
    case Command::status:
    case Command::pause:
    case Command::resume:
    case Command::jobs:
      return ask_service(line);
    case Command::trace: {
      const auto config = config_of(line);
      return config ? run_trace(*config, line.trace) : ExitCode::config;
    }
    case Command::rejects: {
      const auto config = config_of(line);
      return config ? run_rejects(*config, line.rejects) : ExitCode::config;
    }
    case Command::doctor:
      return doctor(line);
    case Command::version:
      fmt::print("{}", version_text());
      return ExitCode::ok;
  }
  return ExitCode::usage;
}

}  // namespace usherd
