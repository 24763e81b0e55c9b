#include "usherd/core/log.hpp"

#include "usherd/core/timestamp.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <string>

using usherd::Log;
using usherd::LogFormat;
using usherd::LogLevel;
using usherd::make_log;

namespace {

/// What `write` puts on stderr through a logger made for it.
std::string written(LogLevel level, LogFormat format, const std::function<void(Log&)>& write) {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(::fileno(file), STDERR_FILENO);
  write(*make_log(level, format));
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  std::string text(100'000, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

void one_of_each(Log& log) {
  log.error("e");
  log.warn("w");
  log.info("i");
  log.debug("d");
}

}  // namespace

TEST_CASE("the journal reads the priority off the front of a line") {
  CHECK(written(LogLevel::debug, LogFormat::journal, one_of_each) == "<3>e\n<4>w\n<6>i\n<7>d\n");
}

TEST_CASE("a level keeps what is less important away") {
  CHECK(written(LogLevel::error, LogFormat::journal, one_of_each) == "<3>e\n");
  CHECK(written(LogLevel::warning, LogFormat::journal, one_of_each) == "<3>e\n<4>w\n");
  CHECK(written(LogLevel::info, LogFormat::journal, one_of_each) == "<3>e\n<4>w\n<6>i\n");
}

TEST_CASE("a JSON line is one object with time, level and message") {
  const auto line =
      written(LogLevel::info, LogFormat::json, [](Log& log) { log.warn("file {} \"{}\"", "a.csv", "x\\y"); });
  const std::string front = "{\"time\":\"";
  REQUIRE(line.starts_with(front));
  CHECK(usherd::parse_rfc3339(line.substr(front.size(), 24)).has_value());
  CHECK(line.substr(front.size() + 24) == R"(","level":"warning","message":"file a.csv \"x\\y\""})"
                                          "\n");
}

TEST_CASE("a line for a terminal has time, level and text, and no colours where there is no terminal") {
  const auto line = written(LogLevel::info, LogFormat::text, [](Log& log) { log.info("started"); });
  CHECK(line.size() == std::string("12:00:00.000 info    started\n").size());
  CHECK(line.ends_with(" info    started\n"));
}

TEST_CASE("no text makes a second line, steers a terminal or grows without limit") {
  for (const auto format : {LogFormat::journal, LogFormat::text, LogFormat::json}) {
    const auto line = written(LogLevel::info, format,
                              [](Log& log) { log.info("a\n<0>b\x1b[2J{}", std::string(50'000, 'x')); });
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line.size() < 4200);
  }
}

TEST_CASE("a silent log writes nothing") {
  CHECK(
      written(LogLevel::debug, LogFormat::text, [](Log&) { usherd::make_silent_log()->error("e"); }).empty());
}
