#include "src/app/status_text.hpp"

#include "src/app/status_values.hpp"
#include "src/app/trace_text.hpp"
#include "usherd/admin/status_report.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace std::chrono_literals;
using usherd::LeftReason;
using usherd::ParkReason;
using usherd::ServiceState;
using usherd::StatusReport;
using usherd::TextStyle;

StatusReport report() {
  StatusReport report;
  report.version = "1.2.3";
  report.state = ServiceState::delivering;
  report.eta = 4min;
  report.backlog.add(1s, 5'000'000);
  report.oldest = 1s;
  report.batches = {12, 50, 90};
  report.operations = {60'000, 450'000, 450'000};
  report.rate_now = 12'345;
  report.rate_hour = 100;
  report.rate_history.assign(StatusReport::kRatePoints, 1.0);
  report.ended.outcomes.imported = 1'234'567;
  report.jobs.push_back({7, "job\x1b[31m", "processing", 500, 1500ms});
  report.job_count = 1;
  report.left.push_back({"evil\x1b]0;name", LeftReason::unreadable, "chmod it"});
  return report;
}

std::string text(const StatusReport& of, TextStyle style = {}) {
  const auto shown = usherd::status_text(status_json(of, true), style);
  REQUIRE(shown.has_value());
  return *shown;
}

bool has(const std::string& whole, const std::string& part) {
  return whole.find(part) != std::string::npos;
}

TEST_CASE("status says what it does, how fast, how much is left and how it ended") {
  const auto shown = text(report());
  CHECK(has(shown, "delivering, about 4m 0s left"));
  CHECK(has(shown, "12345 records/s now"));
  CHECK(has(shown, "imported 1,234,567"));
  CHECK(has(shown, "batches 12 of 90, 50 usable after 429s"));
  CHECK(has(shown, "operations 60,000 of 450,000\n"));
  CHECK(has(shown, "1280+"));
  CHECK(has(shown, "4.8M"));
}

TEST_CASE("one file and one record are no files and no records") {
  auto one = report();
  CHECK(has(text(one), "Backlog   1 file, 4.8 MiB, oldest 1.0s; 0 records under way, 0 of them behind"));
  one.backlog.add(1s, 1);
  one.pending_records = 1;
  CHECK(has(text(one), "Backlog   2 files, 4.8 MiB, oldest 1.0s; 1 record under way, 0 of them behind"));
}

TEST_CASE("one record of a job, and one that was retried, are told as one") {
  auto one = report();
  one.jobs.front().records = 1;
  CHECK(has(text(one), "        1 record  "));
  const auto replay = usherd::replay_text(R"({"dropped":1,"matched":1,"already_retried":1})");
  REQUIRE(replay.has_value());
  CHECK(*replay == "1 dropped, of 1 that match; 1 was retried before\n");
}

TEST_CASE("a parked service says why, since when and what to do") {
  auto parked = report();
  parked.state = ServiceState::parked;
  parked.parked.push_back({ParkReason::credentials, {}, 12min, ""});
  CHECK(has(text(parked), "Parked    credentials for 12m 0s: the API refuses the key"));
}

TEST_CASE("where the cause of parking is known it comes before the advice") {
  auto parked = report();
  parked.state = ServiceState::parked;
  parked.parked.push_back({ParkReason::disk, {}, 12min, "open done/: Permission denied"});
  CHECK(has(text(parked),
            "Parked    disk for 12m 0s: open done/: Permission denied; spool or state cannot be"));
}

TEST_CASE("an API that does not answer is told with its cause, and no job is said to run for a moment") {
  CHECK_FALSE(has(text(report()), "Outage"));
  auto silent = report();
  silent.outage = usherd::OutageReport{3h, {}, 1234, "it answers 500\x1b[31m"};
  silent.jobs.front().job.clear();
  const auto shown = text(silent);
  CHECK(has(shown,
            "Outage    1,234 requests in a row came to nothing within 3h 0m, the last one because: "
            "it answers 500\\x1b[31m\n"));
  CHECK(has(shown, "Jobs      1 in progress, without a job yet\n"));
}

TEST_CASE("names and ids from elsewhere cannot drive the terminal, and colours come only when asked for") {
  CHECK_FALSE(has(text(report()), "\x1b"));
  CHECK(has(text(report()), "evil\\x1b]0;name"));
  const auto coloured = text(report(), TextStyle{true, 80});
  CHECK(has(coloured, "\x1b[32mdelivering\x1b[0m"));
  CHECK_FALSE(has(coloured, "\x1b]0;"));
}

TEST_CASE("files that stay and are not named are counted") {
  auto many = report();
  many.left_counts = {{LeftReason::unreadable, 1122}};
  const auto shown = text(many);
  CHECK(has(shown, "Left      1,122 in incoming/"));
  CHECK(has(shown, "and 1,121 more\n"));
}

TEST_CASE("jobs and codes that are not shown are counted, with where to see them") {
  auto many = report();
  for (int i = 0; i < 39; ++i)
    many.jobs.push_back({8, "job", "processing", 500, 1500ms});
  many.job_count = 40;
  for (int i = 0; i < 9; ++i)
    many.rejects.push_back({usherd::RejectStage::api, "CODE_" + std::to_string(i), 3, {}});
  const auto shown = text(many);
  CHECK(has(shown, "          and 30 more; 'usherd jobs list' has them\n"));
  CHECK(has(shown, "CODE_7\n          and 1 more; 'usherd status --json' has them\n"));
  many.rejects.resize(StatusReport::kMostCodes);
  CHECK(has(text(many), "and older ones; 'usherd rejects list' has all that are kept\n"));
  many.rejects.resize(8);
  many.job_count = 10;
  CHECK_FALSE(has(text(many), " more"));
}

TEST_CASE("each line of a file's story keeps its heading apart from what it says") {
  const auto shown = usherd::file_text(
      R"({"file":"unnamed-1.data","dropped_as":"unknown.txt","state":"refused","waits_for":"nothing"})", {});
  REQUIRE(shown.has_value());
  CHECK(has(*shown, "Dropped   as unknown.txt\n"));
  CHECK(has(*shown, "Waits for nothing\n"));
}

TEST_CASE("a trace tells updates of one line apart by their records") {
  const auto shown =
      usherd::trace_text(R"({"updates":[{"file":"a.json","line":1,"record":4,"outcome":"imported"},)"
                         R"({"file":"a.json","line":1,"record":7,"outcome":"waiting"},)"
                         R"({"file":"b.csv","line":8,"record":7,"outcome":"waiting"},)"
                         R"({"file":"c.csv","line":null,"record":9,"outcome":"imported"}]})");
  REQUIRE(shown.has_value());
  CHECK(has(*shown, "a.json line 1 record 4 "));
  CHECK(has(*shown, "a.json line 1 record 7 "));
  CHECK(has(*shown, "b.csv line 8  "));
  CHECK(has(*shown, "c.csv record 9 "));
}

TEST_CASE("an answer of another kind is an error and no crash") {
  for (const auto* json : {"", "[]", "null", "{", "{\"state\":5,\"backlog\":[],\"jobs\":{\"list\":{}}}"}) {
    CAPTURE(json);
    const auto shown = usherd::status_text(json, {});
    CHECK(shown.has_value() == (json[0] == '{' && json[1] != '\0'));
  }
}

TEST_CASE("numbers are grouped, sizes fit their column") {
  CHECK(usherd::grouped(0) == "0");
  CHECK(usherd::grouped(999) == "999");
  CHECK(usherd::grouped(1000) == "1,000");
  CHECK(usherd::grouped(12'345'678) == "12,345,678");
  CHECK(usherd::short_size(999) == "999");
  CHECK(usherd::short_size(1000) == "1.0K");
  CHECK(usherd::short_size(300ULL << 30) == "300G");
  CHECK(usherd::short_size(~0ULL).size() <= 9);
}

}  // namespace
