#include "usherd/app/command_line.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using usherd::Command;
using usherd::CommandLine;
using usherd::CommandLineExit;
using usherd::ExitCode;
using usherd::Milliseconds;

namespace {

using Words = std::vector<const char*>;

std::variant<CommandLine, CommandLineExit> parse(Words words) {
  words.insert(words.begin(), "usherd");
  return usherd::parse_command_line(static_cast<int>(words.size()), words.data());
}

CommandLine good(const Words& words) {
  const auto parsed = parse(words);
  if (const auto* ended = std::get_if<CommandLineExit>(&parsed))
    FAIL(ended->text);
  return std::get<CommandLine>(parsed);
}

CommandLineExit ended(const Words& words) {
  const auto parsed = parse(words);
  REQUIRE(std::holds_alternative<CommandLineExit>(parsed));
  return std::get<CommandLineExit>(parsed);
}

}  // namespace

TEST_CASE("each command is understood, with the configuration file before or behind it") {
  CHECK(good({"run"}).command == Command::run);
  CHECK(good({"run"}).config_file == "/etc/usherd/usherd.yaml");
  CHECK(good({"--config", "x.yaml", "run"}).config_file == "x.yaml");
  CHECK(good({"run", "--config", "x.yaml"}).config_file == "x.yaml");
  CHECK(good({"run", "--config=x.yaml"}).config_file == "x.yaml");
  CHECK(good({"version"}).command == Command::version);
  CHECK(good({"--version"}).command == Command::version);
}

TEST_CASE("drain takes its durations with units") {
  CHECK_FALSE(good({"drain"}).drain.timeout.has_value());
  CHECK(good({"drain"}).drain.park_timeout == std::chrono::minutes{5});
  const auto line = good({"drain", "--timeout", "2h", "--park-timeout=10s", "--config", "c"});
  CHECK(line.command == Command::drain);
  CHECK(line.drain.timeout == Milliseconds{7'200'000});
  CHECK(line.drain.park_timeout == Milliseconds{10'000});
  CHECK(good({"drain", "--timeout", "0"}).drain.timeout == Milliseconds{0});
}

TEST_CASE("submit takes files, or standard input with a name") {
  CHECK(good({"submit", "a.ndjson", "b.csv"}).submit.files == std::vector<std::string>{"a.ndjson", "b.csv"});
  const auto line = good({"submit", "-", "--name", "u.ndjson"});
  CHECK(line.submit.files == std::vector<std::string>{"-"});
  CHECK(line.submit.name == "u.ndjson");
  for (const auto* name : {"u", "u.txt", ".u.ndjson", "u.receipt.json"}) {
    CAPTURE(name);
    const auto exit = ended({"submit", "-", "--name", name});
    CHECK(exit.code == ExitCode::usage);
    CHECK(exit.text.find("--name") != std::string::npos);
  }
  CHECK(good({"submit", "--name", "u.ndjson", "-"}).submit.name == "u.ndjson");
  CHECK(good({"submit", "run"}).submit.files == std::vector<std::string>{"run"});
  CHECK(good({"submit", "--", "-odd.csv"}).submit.files == std::vector<std::string>{"-odd.csv"});
}

TEST_CASE("check takes any number of files") {
  CHECK(good({"check"}).check.files.empty());
  CHECK_FALSE(good({"check"}).check.online);
  const auto line = good({"check", "--online", "a.ndjson", "--config", "c"});
  CHECK(line.check.online);
  CHECK(line.check.files == std::vector<std::string>{"a.ndjson"});
  CHECK(line.config_file == "c");
}

TEST_CASE("status, pause, resume and jobs are understood") {
  const auto status = good({"status", "--json", "--file", "a.ndjson", "--config", "x.yaml"});
  CHECK(status.command == Command::status);
  CHECK(status.status.json);
  CHECK(status.status.file == "a.ndjson");
  CHECK(status.config_file == "x.yaml");
  CHECK(good({"status", "--watch"}).status.watch);
  const auto all = good({"status", "--watch", "--json", "--file", "a.ndjson"}).status;
  CHECK((all.watch && all.json && all.file == "a.ndjson"));
  CHECK(good({"pause"}).command == Command::pause);
  CHECK(good({"resume"}).command == Command::resume);
  const auto list = good({"jobs", "list", "--json", "--config", "x.yaml"});
  CHECK(list.command == Command::jobs);
  CHECK(list.jobs.json);
  CHECK(list.jobs.abandon.empty());
  CHECK(list.config_file == "x.yaml");
  CHECK(good({"jobs", "abandon", "abc="}).jobs.abandon == "abc=");
}

TEST_CASE("wrong usage ends with 64, says what and where the help is, on stderr") {
  struct Row {
    Words words;
    std::string text;
  };
  const Row rows[] = {
      {{"rnu"}, "usherd: unknown command 'rnu'; did you mean run?\nTry 'usherd --help'.\n"},
      {{"sumbit", "a"}, "usherd: unknown command 'sumbit'; did you mean submit?\nTry 'usherd --help'.\n"},
      {{"mailq"}, "usherd: unknown command 'mailq'\nTry 'usherd --help'.\n"},
      {{"\x1b[31m"}, "usherd: unknown command '\\x1b[31m'\nTry 'usherd --help'.\n"},
      {{"--confg", "x"}, "usherd: unknown option '--confg'\nTry 'usherd --help'.\n"},
      {{"jobs", "abandon"}, "usherd: JOB is required\nTry 'usherd jobs abandon --help'.\n"},
      {{"run", "now"}, "usherd: run: unexpected argument 'now'\nTry 'usherd run --help'.\n"},
      {{"run", "drain"}, "usherd: run: unexpected argument 'drain'\nTry 'usherd run --help'.\n"},
      {{"run", "--timeout", "3s"}, "usherd: run: unknown option '--timeout'\nTry 'usherd run --help'.\n"},
      {{"drain", "--timeout", "3"},
       "usherd: drain: --timeout: '3' is not a duration: write a whole number with ms, s, m, h or d\n"
       "Try 'usherd drain --help'.\n"},
      {{"drain", "--park-timeout", "soon"},
       "usherd: drain: --park-timeout: 'soon' is not a duration: write a whole number with ms, s, m, h or d\n"
       "Try 'usherd drain --help'.\n"},
      {{"submit", "-"},
       "usherd: submit: - needs --name NAME, as the ending of the name says the format\nTry 'usherd submit "
       "--help'.\n"},
      {{"submit", "-", "a"},
       "usherd: submit: - stands alone: standard input is one file\nTry 'usherd submit --help'.\n"},
      {{"submit", "a", "--name", "b"},
       "usherd: submit: --name goes with - only; a file is dropped under its own name\nTry 'usherd submit "
       "--help'.\n"},
      {{"submit", "-", "--name", "../b"},
       "usherd: submit: --name is a name without a directory\nTry 'usherd submit --help'.\n"},
      {{"jobs"}, "usherd: jobs: say what to do: list, or abandon JOB\nTry 'usherd jobs --help'.\n"},
      {{"jobs", "forget"}, "usherd: jobs: unexpected argument 'forget'\nTry 'usherd jobs --help'.\n"},
      {{"rejects", "drop", "--code", "a", "--code=b"},
       "usherd: --code was given twice\nTry 'usherd rejects drop --help'.\n"},
      {{"run", "--config", "a", "--config", "b"},
       "usherd: --config was given twice\nTry 'usherd run --help'.\n"},
      {{"run", "--config", ""}, "usherd: run: --config is empty\nTry 'usherd run --help'.\n"},
      {{"--config", "", "run"}, "usherd: run: --config is empty\nTry 'usherd run --help'.\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto answer = ended(row.words);
    CHECK(answer.code == ExitCode::usage);
    CHECK(answer.text == row.text);
    CHECK_FALSE(answer.to_stdout);
  }
}

TEST_CASE("options that miss their value, and a submit without files, are wrong usage") {
  for (const Words& words : {Words{"run", "--config"}, Words{"submit"}, Words{"drain", "--timeout"},
                             Words{"check", "--online=maybe"}}) {
    const auto answer = ended(words);
    CAPTURE(answer.text);
    CHECK(answer.code == ExitCode::usage);
    CHECK(answer.text.starts_with("usherd: "));
    CHECK(answer.text.find(std::string("Try 'usherd ") + words.front() + " --help'.\n") != std::string::npos);
    CHECK_FALSE(answer.to_stdout);
  }
}

TEST_CASE("an empty argument is wrong usage, and never means everything") {
  struct Row {
    Words words;
    std::string name;
  };
  const Row rows[] = {
      {{"rejects", "drop", "--uid", ""}, "--uid"},
      {{"rejects", "retry", "--file", ""}, "--file"},
      {{"rejects", "list", "--code", ""}, "--code"},
      {{"rejects", "list", "--stage", ""}, "--stage"},
      {{"jobs", "abandon", ""}, "JOB"},
      {{"trace", ""}, "UID"},
      {{"status", "--file", ""}, "--file"},
      {{"check", "a.ndjson", ""}, "FILE"},
      {{"submit", ""}, "FILE"},
      {{"submit", "-", "--name", ""}, "--name"},
      {{"drain", "--timeout", ""}, "--timeout"},
      {{"rejects", "drop", "--code=", "--dry-run"}, "--code"},
      {{"rejects", "retry", "--uid=", "--force"}, "--uid"},
      {{"status", "--file="}, "--file"},
      {{"submit", "-", "--name=", "--config", "c"}, "--name"},
      {{"drain", "--timeout=", "--park-timeout=5s"}, "--timeout"},
      {{"run", "--config="}, "--config"},
  };
  for (const auto& row : rows) {
    const auto answer = ended(row.words);
    CAPTURE(answer.text);
    CHECK(answer.code == ExitCode::usage);
    CHECK(answer.text.starts_with("usherd: " + std::string(row.words.front()) + ": " + row.name +
                                  " is empty\n"));
  }
}

TEST_CASE("an option never takes another option for its value") {
  for (const Words& words :
       {Words{"rejects", "drop", "--code", "--dry-run"}, Words{"rejects", "drop", "--dry-run="},
        Words{"drain", "--timeout", "--park-timeout"}, Words{"submit", "-", "--name", "--config"}}) {
    const auto answer = ended(words);
    CAPTURE(answer.text);
    CHECK(answer.code == ExitCode::usage);
  }
  CHECK(ended({"rejects", "drop", "--code", "--dry-run"}).text ==
        "usherd: rejects: --code has no value: --dry-run follows it\nTry 'usherd rejects --help'.\n");
  CHECK(good({"rejects", "list", "--uid", "--odd"}).rejects.uid == "--odd");
  CHECK(good({"rejects", "list", "--uid=--code"}).rejects.uid == "--code");
  CHECK(good({"status", "--file=--watch"}).status.file == "--watch");
  CHECK(good({"rejects", "list", "--uid=a="}).rejects.uid == "a=");
  CHECK(good({"submit", "--", "--odd="}).submit.files == std::vector<std::string>{"--odd="});
}

TEST_CASE("the file of rejects is understood by its own name and by that in rejected/") {
  for (const char* name : {"a.ndjson", "a.ndjson.rejects.ndjson"})
    CHECK(good({"rejects", "list", "--file", name}).rejects.file == "a.ndjson");
}

TEST_CASE("every action on rejects may be tried out") {
  for (const char* action : {"list", "show", "retry", "drop", "export"})
    CHECK(good({"rejects", action, "--dry-run"}).rejects.dry_run);
}

TEST_CASE("without a command the help goes to stderr, and the end is 64") {
  const auto answer = ended({});
  CHECK(answer.code == ExitCode::usage);
  CHECK_FALSE(answer.to_stdout);
  CHECK(answer.text == ended({"--help"}).text);
}

TEST_CASE("help goes to stdout and names every command and option") {
  const auto general = ended({"--help"});
  CHECK(general.code == ExitCode::ok);
  CHECK(general.to_stdout);
  for (const std::string word : {"run", "drain", "submit", "check", "status", "pause", "resume", "jobs",
                                 "version", "--config", "/etc/usherd/usherd.yaml", "78"}) {
    CAPTURE(word);
    CHECK(general.text.find(word) != std::string::npos);
  }
  const auto drain = ended({"drain", "--help"});
  CHECK(drain.to_stdout);
  CHECK(drain.text.find("--park-timeout") != std::string::npos);
  CHECK(drain.text.find("Exit codes: 0 everything imported") != std::string::npos);
  CHECK(ended({"submit", "-h"}).text.find("--name") != std::string::npos);
  CHECK(ended({"check", "--help"}).text.find("--online") != std::string::npos);
  for (const char* command :
       {"run", "drain", "submit", "check", "status", "pause", "resume", "jobs", "version"}) {
    CAPTURE(command);
    const auto text = ended({command, "--help"}).text;
    CHECK(text.find("Usage: usherd " + std::string(command)) != std::string::npos);
    CHECK(text.find("--config FILE") != std::string::npos);
  }
}
