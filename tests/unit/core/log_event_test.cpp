#include "usherd/core/log_event.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using usherd::kLogEvents;
using usherd::Log;
using usherd::log_event;
using usherd::LogContext;
using usherd::LogEvent;
using usherd::LogLevel;

namespace {

using Fields = std::vector<std::string>;

class Catcher final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::vector<Fields> lines;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    lines.push_back(usherd::journal_fields(message));
  }
  void flush_() override {}
};

}  // namespace

TEST_CASE("a line with a context goes into the journal with its message id and its fields") {
  const auto catcher = std::make_shared<Catcher>();
  Log log("test", catcher);
  LogContext context;
  context.event = LogEvent::batch_rekeyed;
  context.file = "a.ndjson";
  context.batch = 12;
  context.job = "abc=";
  context.reason = "server_errors";
  log_event(log, LogLevel::warning, context, "batch {}: another key", 12);
  REQUIRE(catcher->lines.size() == 1);
  CHECK(catcher->lines[0] == Fields{"MESSAGE=batch 12: another key", "PRIORITY=4", "SYSLOG_IDENTIFIER=usherd",
                                    "MESSAGE_ID=9453e2830d7d462586ad5183152358a2", "USHERD_FILE=a.ndjson",
                                    "USHERD_BATCH=12", "USHERD_JOB=abc=", "USHERD_REASON=server_errors"});
}

TEST_CASE("a plain line has no fields but text and priority, and what is not known is left out") {
  const auto catcher = std::make_shared<Catcher>();
  Log log("test", catcher);
  log.error("e");
  log_event(log, LogLevel::info, LogContext{LogEvent::parked, {}, 0, {}, "disk"}, "parked");
  REQUIRE(catcher->lines.size() == 2);
  CHECK(catcher->lines[0] == Fields{"MESSAGE=e", "PRIORITY=3", "SYSLOG_IDENTIFIER=usherd"});
  CHECK(catcher->lines[1] == Fields{"MESSAGE=parked", "PRIORITY=6", "SYSLOG_IDENTIFIER=usherd",
                                    "MESSAGE_ID=26f3e01093c642c9a2ea827c1997f602", "USHERD_REASON=disk"});
}

TEST_CASE("hostile text makes neither a second line nor a field") {
  const auto catcher = std::make_shared<Catcher>();
  Log log("test", catcher);
  const std::string name = "a\nUSHERD_REASON=forged\x1b[2J";
  log_event(log, LogLevel::info, LogContext{LogEvent::file_left, name, 0, {}, {}}, "{} stays", name);
  REQUIRE(catcher->lines.size() == 1);
  for (const auto& field : catcher->lines[0]) {
    CHECK_FALSE(field.starts_with("USHERD_REASON"));
    CHECK(std::all_of(field.begin(), field.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0x20; }));
  }
}

TEST_CASE("a level keeps events away as it does plain lines") {
  const auto catcher = std::make_shared<Catcher>();
  Log log("test", catcher);
  log.set_level(usherd::to_spdlog(LogLevel::error));
  log_event(log, LogLevel::info, LogContext{LogEvent::started, {}, 0, {}, {}}, "hello");
  CHECK(catcher->lines.empty());
}

TEST_CASE("a sink that knows nothing of contexts prints the text alone") {
  std::ostringstream out;
  Log log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  log.set_pattern("%v|%@|%!");
  log_event(log, LogLevel::info, LogContext{LogEvent::started, "f", 1, "j", "r"}, "hello");
  CHECK(out.str() == "hello||\n");
}

TEST_CASE("every event has a message id of its own, and the catalogue explains each") {
  std::ifstream file("systemd/usherd.catalog");
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  std::set<std::string> ids;
  for (std::size_t i = 1; i < kLogEvents; ++i) {
    const auto event = static_cast<LogEvent>(i);
    const std::string id(message_id(event));
    CHECK(id.size() == 32);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    ids.insert(id);
    CAPTURE(std::string(to_string(event)));
    CHECK(text.str().find("-- " + id + "\nSubject: ") != std::string::npos);
  }
  CHECK(ids.size() == kLogEvents - 1);
  std::size_t entries = 0;
  for (std::string line; std::getline(text, line);)
    entries += line.starts_with("-- ") ? 1 : 0;
  CHECK(entries == ids.size());
}
