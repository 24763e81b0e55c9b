#pragma once

#include "usherd/app/exit_code.hpp"
#include "usherd/core/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace usherd {

inline constexpr const char* kDefaultConfigFile = "/etc/usherd/usherd.yaml";

enum class Command : std::uint8_t {
  run,
  drain,
  submit,
  check,
  status,
  trace,
  pause,
  resume,
  jobs,
  rejects,
  doctor,
  version
};

struct DrainArguments {
  std::optional<Milliseconds> timeout;  ///< nothing: as long as it takes
  Milliseconds park_timeout{std::chrono::minutes{5}};
};

struct SubmitArguments {
  std::vector<std::string> files;  ///< "-" alone: stdin, under `name`
  std::string name;
};

struct CheckArguments {
  std::vector<std::string> files;
  bool online = false;
};

struct StatusArguments {
  bool json = false;
  bool watch = false;
  std::string file;  ///< not empty: of this file alone
};

struct JobsArguments {
  bool json = false;
  std::string abandon;  ///< not empty: this job is given up; empty: they are listed
};

struct TraceArguments {
  std::string user;  ///< "-": one a line from stdin
  bool json = false;
};

struct RejectsArguments {
  enum class Action : std::uint8_t { list, show, retry, drop, export_records } action = Action::list;
  std::optional<std::string> code;
  std::optional<std::string> stage;
  std::optional<std::string> file;
  std::optional<std::string> uid;
  bool force = false;
  bool dry_run = false;
  bool json = false;
};

struct DoctorArguments {
  bool repair = false;
};

/// What was asked for; only the arguments of `command` mean something.
struct CommandLine {
  Command command = Command::version;
  std::string config_file = kDefaultConfigFile;
  DrainArguments drain;
  SubmitArguments submit;
  CheckArguments check;
  StatusArguments status;
  JobsArguments jobs;
  TraceArguments trace;
  RejectsArguments rejects;
  DoctorArguments doctor;
};

/// Nothing is to be done but to print `text` and to exit: help, or wrong usage.
struct CommandLineExit {
  ExitCode code = ExitCode::usage;
  std::string text;  ///< with its newline
  bool to_stdout = false;
};

/// Touches no file and prints nothing. Never throws for what a user can type.
[[nodiscard]] std::variant<CommandLine, CommandLineExit> parse_command_line(int argc,
                                                                            const char* const* argv);

}  // namespace usherd
