#include "usherd/app/command_line.hpp"

#include "src/app/declare_rejects.hpp"
#include "src/app/nearest.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/drop.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd {
namespace {

constexpr std::array<std::pair<std::string_view, Command>, 12> kCommands{{{"run", Command::run},
                                                                          {"drain", Command::drain},
                                                                          {"submit", Command::submit},
                                                                          {"check", Command::check},
                                                                          {"status", Command::status},
                                                                          {"trace", Command::trace},
                                                                          {"pause", Command::pause},
                                                                          {"resume", Command::resume},
                                                                          {"jobs", Command::jobs},
                                                                          {"rejects", Command::rejects},
                                                                          {"doctor", Command::doctor},
                                                                          {"version", Command::version}}};

/// Durations as they were typed; read after parsing, so that a fault names option and units in our words.
struct TypedDurations {
  std::string timeout;
  std::string park_timeout;
};

void declare_drain(CLI::App& app, TypedDurations& typed) {
  auto* drain = app.add_subcommand("drain", "Take what is there, follow all of it to its end, exit");
  drain->add_option("--timeout", typed.timeout, "Give up after this long; what is left stays safe (exit 69)")
      ->type_name("DURATION");
  drain
      ->add_option("--park-timeout", typed.park_timeout, "Give up when sending was parked for this long [5m]")
      ->type_name("DURATION");
  drain->footer("Exit codes: 0 everything imported or merged, 2 some rejected or unknown, 69 not in time.");
}

void declare_submit(CLI::App& app, SubmitArguments& submit) {
  auto* command = app.add_subcommand("submit", "Drop files into the spool safely");
  command->add_option("FILE", submit.files, "Files to drop, or - for standard input")
      ->type_name("")
      ->required();
  command->add_option("--name", submit.name, "With -: the name to drop it under, as in updates.ndjson")
      ->type_name("NAME");
  command->footer(
      "Exit codes: 0 dropped, 1 some were not, as is said of each, or there is no spool, 64 usage,\n"
      "78 configuration.");
}

void declare_check(CLI::App& app, CheckArguments& check) {
  auto* command = app.add_subcommand("check", "Check the configuration, and FILEs against the API's rules");
  command->add_option("FILE", check.files, "Files of user updates to check; nothing is sent")->type_name("");
  command->add_flag("--online", check.online, "Prove the API key as well (GET /me)");
  command->footer(
      "Exit codes: 0 all well, 1 a FILE cannot be read or the API refuses the key,\n"
      "2 some records or a FILE would be refused, 69 the API gives no word about the key,\n"
      "78 faults in the configuration.");
}

void declare_status(CLI::App& app, StatusArguments& status) {
  auto* command = app.add_subcommand("status", "What the running service does, and why not if it does not");
  command->add_flag("--json", status.json, "As JSON; docs/status.md is its page");
  command->add_flag("--watch", status.watch,
                    "Again each second, until interrupted; with --json a line each time");
  command->add_option("--file", status.file, "Of one file: its counts and what it waits for")
      ->type_name("NAME");
  command->footer("Exit codes: 0 all well, 1 no such file, 69 the service does not answer.");
}

void declare_control(CLI::App& app) {
  constexpr const char* kExits = "Exit codes: 0 done, 69 the service does not answer.";
  app.add_subcommand("pause", "Stop sending; intake and polls go on. Outlives a restart")->footer(kExits);
  app.add_subcommand("resume", "Send again, also after 'refused' and 'organisation'")->footer(kExits);
}

void declare_jobs(CLI::App& app, JobsArguments& jobs) {
  auto* command = app.add_subcommand("jobs", "The jobs in progress at the API");
  auto* list =
      command->add_subcommand("list", "Batch, stage, records, age and job of each, the oldest first");
  list->group("Actions");
  list->add_flag("--json", jobs.json, "As JSON; docs/status.md is its page");
  auto* abandon = command->add_subcommand(
      "abandon", "Give a job up: its records become unknown, its users and its slot are free");
  abandon->group("Actions");
  abandon->add_option("JOB", jobs.abandon, "Its id, as list shows it")->type_name("")->required();
  command->require_subcommand(0, 1);
  command->footer("Exit codes: 0 done, 1 no such job, 69 the service does not answer.");
}

void declare_doctor(CLI::App& app, DoctorArguments& doctor) {
  auto* command = app.add_subcommand("doctor", "Hold the spool of a stopped usherd against its state");
  command->add_flag("--repair", doctor.repair, "Set right what can be; no record is dropped without a word");
  command->footer(
      "Exit codes: 0 all is well or repaired, 2 something was found, 75 a daemon holds the spool.");
}

void declare_config_file(CLI::App& app, std::string& file) {
  app.add_option("--config", file, fmt::format("The configuration file [{}]", kDefaultConfigFile))
      ->type_name("FILE");
}

void declare(CLI::App& app, CommandLine& line, TypedDurations& typed) {
  app.set_version_flag("--version", "", "The same as the command version");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  auto* run = app.add_subcommand("run", "The service: take files until told to stop");
  run->footer(
      "Exit codes: 0 stopped as told, 1 failure, 75 another instance holds the spool, 78 configuration, or\n"
      "spool and state that do not belong together.");
  declare_drain(app, typed);
  declare_submit(app, line.submit);
  declare_check(app, line.check);
  declare_status(app, line.status);
  declare_trace(app, line.trace);
  declare_control(app);
  declare_jobs(app, line.jobs);
  declare_rejects(app, line.rejects);
  declare_doctor(app, line.doctor);
  app.add_subcommand("version", "Version, build and library versions");
  app.require_subcommand(0, 1);
  app.fallthrough();
  declare_config_file(app, line.config_file);
  for (auto* command : app.get_subcommands({})) {
    command->group("Commands")->fallthrough();
    declare_config_file(*command, line.config_file);
    for (auto* part : command->get_subcommands({})) {
      part->fallthrough();
      declare_config_file(*part, line.config_file);
    }
  }
}

CommandLineExit wrong_usage(std::string_view message, std::string_view command = "") {
  const auto space = command.empty() ? "" : " ";
  return {ExitCode::usage, fmt::format("usherd: {}\nTry 'usherd{}{} --help'.\n", message, space, command),
          false};
}

/// The command that was given, with its action where it has one.
std::string chosen_words(const CLI::App& app) {
  std::string words;
  for (auto chosen = app.get_subcommands(); !chosen.empty(); chosen = chosen.front()->get_subcommands())
    words += (words.empty() ? "" : " ") + chosen.front()->get_name();
  return words;
}

CommandLineExit unknown_command(const std::string& given) {
  std::array<std::string_view, kCommands.size()> names{};
  std::transform(kCommands.begin(), kCommands.end(), names.begin(),
                 [](const auto& entry) { return entry.first; });
  const auto near = nearest(given, names);
  return wrong_usage(fmt::format("unknown command '{}'{}", printable(given, 60),
                                 near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

/// The reason why a typed duration cannot be taken, or nothing.
std::optional<std::string> take_duration(std::string_view option, const std::string& text,
                                         Milliseconds& into) {
  const auto parsed = parse_duration(text);
  if (!parsed)
    return fmt::format("{}: {}", option, printable(parsed.error().message));
  into = *parsed;
  return std::nullopt;
}

std::optional<std::string> take_drain(const CLI::App& drain, const TypedDurations& typed,
                                      DrainArguments& into) {
  if (drain.count("--timeout") > 0) {
    Milliseconds timeout{};
    if (auto fault = take_duration("--timeout", typed.timeout, timeout))
      return fault;
    into.timeout = timeout;
  }
  if (drain.count("--park-timeout") > 0)
    return take_duration("--park-timeout", typed.park_timeout, into.park_timeout);
  return std::nullopt;
}

std::optional<std::string> check_submit(const CLI::App& command, const SubmitArguments& submit) {
  const bool from_stdin = std::find(submit.files.begin(), submit.files.end(), "-") != submit.files.end();
  if (from_stdin && submit.files.size() > 1)
    return "- stands alone: standard input is one file";
  if (from_stdin && submit.name.empty())
    return "- needs --name NAME, as the ending of the name says the format";
  if (!from_stdin && command.count("--name") > 0)
    return "--name goes with - only; a file is dropped under its own name";
  if (submit.name.find('/') != std::string::npos)
    return "--name is a name without a directory";
  if (from_stdin) {
    if (const auto fit = check_drop_name(submit.name); !fit)
      return "--name " + fit.error().message;
  }
  return std::nullopt;
}

using Fault = std::optional<std::string>;

/// The first fault that `look` finds with an option of the command or of its parts, or nothing.
template <class Look>
Fault first_fault(const CLI::App& command, const Look& look) {
  for (const auto* option : command.get_options()) {
    if (auto fault = look(command, *option))
      return fault;
  }
  for (const auto* part : command.get_subcommands()) {
    if (auto fault = first_fault(*part, look))
      return fault;
  }
  return std::nullopt;
}

/// No argument means anything empty; most likely a script's variable was not set, and what it should have
/// narrowed must not become everything.
Fault is_empty(const CLI::App& /*command*/, const CLI::Option& option) {
  const auto& given = option.results();
  if (std::find(given.begin(), given.end(), "") != given.end())
    return option.get_name() + " is empty";
  return std::nullopt;
}

/// Its value is missing, and CLI11 takes the next word, the name of an option of the same command. What
/// stands behind '=' is meant.
class OptionForValue {
 public:
  explicit OptionForValue(std::span<const char* const> words) : words_(words) {}

  Fault operator()(const CLI::App& command, const CLI::Option& option) const {
    for (const auto& given : option.results()) {
      const auto* other = given.starts_with("--") ? command.get_option_no_throw(given) : nullptr;
      const auto meant = option.get_name() + "=" + given;
      if (!option.get_positional() && other != nullptr &&
          std::find(words_.begin(), words_.end(), meant) == words_.end())
        return fmt::format("{} has no value: {} follows it", option.get_name(), other->get_name());
    }
    return std::nullopt;
  }

 private:
  std::span<const char* const> words_;
};

Fault is_repeated(const CLI::App& /*command*/, const CLI::Option& option) {
  if (!option.get_positional() && option.get_items_expected_max() == 1 && option.count() > 1)
    return option.get_name() + " was given twice";
  return std::nullopt;
}

/// The words as CLI11 is to read them, the last one first as it wants them: of `--code=` it would take the
/// next word for the value, where `--code ''` has an empty one.
std::vector<std::string> words_to_parse(int argc, const char* const* argv) {
  std::vector<std::string> words;
  bool only_values = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    only_values = only_values || word == "--";
    const bool has_no_value = !only_values && word.starts_with("--") && word.find('=') == word.size() - 1;
    if (has_no_value)
      word.pop_back();
    words.push_back(std::move(word));
    if (has_no_value)
      words.emplace_back();
  }
  std::reverse(words.begin(), words.end());
  return words;
}

std::variant<CommandLine, CommandLineExit> interpret(const CLI::App& app, CommandLine line,
                                                     const TypedDurations& typed,
                                                     std::span<const char* const> words) {
  const auto rest = app.remaining();
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    if (rest.empty())
      return CommandLineExit{ExitCode::usage, app.help(), false};
    return rest.front().starts_with('-')
               ? wrong_usage(fmt::format("unknown option '{}'", printable(rest.front(), 60)))
               : unknown_command(rest.front());
  }
  const auto& command = *chosen.front();
  const auto name = command.get_name();
  if (!rest.empty()) {
    const auto* kind = rest.front().starts_with('-') ? "unknown option" : "unexpected argument";
    return wrong_usage(fmt::format("{}: {} '{}'", name, kind, printable(rest.front(), 60)), name);
  }
  auto fault = first_fault(app, is_empty);
  if (!fault)
    fault = first_fault(app, OptionForValue(words));
  if (fault)
    return wrong_usage(fmt::format("{}: {}", name, *fault), name);
  line.command = std::find_if(kCommands.begin(), kCommands.end(), [&](const auto& entry) {
                   return entry.first == name;
                 })->second;
  if (line.command == Command::drain)
    fault = take_drain(command, typed, line.drain);
  else if (line.command == Command::submit)
    fault = check_submit(command, line.submit);
  else if (line.command == Command::rejects)
    fault = take_rejects(command, line.rejects);
  else if (line.command == Command::jobs && command.get_subcommands().empty())
    fault = "say what to do: list, or abandon JOB";
  if (fault)
    return wrong_usage(fmt::format("{}: {}", name, *fault), name);
  return line;
}

}  // namespace

std::variant<CommandLine, CommandLineExit> parse_command_line(int argc, const char* const* argv) {
  CLI::App app("Carries user updates from a spool directory into FullStory.", "usherd");
  app.footer(
      "Exit codes: 0 ok, 1 failure, 2 finished with rejects, 64 usage, 69 not reached in time,\n"
      "75 another instance holds the spool, 78 configuration.");
  CommandLine line;
  TypedDurations typed;
  declare(app, line, typed);
  app.allow_extras();
  try {
    app.parse(words_to_parse(argc, argv));
  } catch (const CLI::CallForHelp&) {
    return CommandLineExit{ExitCode::ok, app.help(), true};
  } catch (const CLI::CallForVersion&) {
    return CommandLine{};
  } catch (const CLI::ArgumentMismatch& failure) {
    return wrong_usage(first_fault(app, is_repeated).value_or(printable(failure.what())), chosen_words(app));
  } catch (const CLI::Error& failure) {
    return wrong_usage(printable(failure.what()), chosen_words(app));
  }
  return interpret(app, std::move(line), typed, {argv, static_cast<std::size_t>(argc)});
}

}  // namespace usherd
