#include "usherd/admin/status_report.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using usherd::LeftReason;
using usherd::ParkReason;
using usherd::ServiceState;
using usherd::StatusReport;

StatusReport busy_report() {
  StatusReport report;
  report.version = "1.2.3";
  report.now = usherd::WallTime{1'700'000'000s};
  report.state = ServiceState::parked;
  report.parked.push_back({ParkReason::disk, report.now - 90s, 90s, "12 B are \"left\""});
  report.backlog.add(1s, 100);
  report.backlog.add(10h, 50);
  report.oldest = 10h;
  report.jobs.push_back({7, "abc=\n", "processing", 500, 1500ms});
  report.job_count = 1;
  report.rate_history.assign(StatusReport::kRatePoints, 0.0);
  report.eta = 61s;
  report.left.push_back({"anna\xFF.ndjson", LeftReason::unreadable, "chmod it"});
  report.left.push_back({"b.ndjson", LeftReason::unreadable, "chmod it"});
  return report;
}

TEST_CASE("the report is valid JSON whatever names and ids hold") {
  const auto value = boost::json::parse(status_json(busy_report(), true));
  CHECK(value.at("schema").as_int64() == 1);
  CHECK(value.at("state").as_string() == "parked");
  CHECK(value.at("parked").at(0).at("reason").as_string() == "disk");
  CHECK(value.at("parked").at(0).at("detail").as_string() == "12 B are \"left\"");
  CHECK(value.at("parked").at(0).at("since").as_string() == "2023-11-14T22:11:50.000Z");
  CHECK(value.at("jobs").at("list").at(0).at("job").as_string() == "abc=\n");
  CHECK(value.at("jobs").at("list").at(0).at("age_seconds").as_double() == doctest::Approx(1.5));
  CHECK(value.at("backlog").at("files").as_int64() == 2);
  CHECK(value.at("backlog").at("ages").as_array().size() == 10);
  CHECK(value.at("backlog").at("ages").at(0).at("up_to_seconds").as_double() == 300);
  CHECK(value.at("backlog").at("ages").at(9).at("up_to_seconds").is_null());
  CHECK(value.at("eta_seconds").as_double() == doctest::Approx(61));
  CHECK(value.at("left").at("files").at(0).at("name").as_string() == "anna\xEF\xBF\xBD.ndjson");
}

TEST_CASE("without names no file of incoming/ is named, only counted by reason") {
  const auto text = status_json(busy_report(), false);
  CHECK(text.find("anna") == std::string::npos);
  const auto value = boost::json::parse(text);
  CHECK(value.at("left").at("count").as_int64() == 2);
  CHECK(value.at("left").at("reasons").at("unreadable").as_int64() == 2);
  CHECK_FALSE(value.at("left").as_object().contains("files"));
}

TEST_CASE("without names what parks tells the folder and the cause, and not the file") {
  auto report = busy_report();
  auto& detail = report.parked.front().detail;
  const auto shown = [&](bool with_names) {
    const auto value = boost::json::parse(status_json(report, with_names));
    return std::string(value.at("parked").at(0).at("detail").as_string());
  };
  detail = "rename to /spool/working/000000000007.anna: b.ndjson: No space left on device";
  CHECK(shown(true) == detail);
  CHECK(shown(false) == "rename to /spool/working/...: No space left on device");
  detail = "remove /spool/incoming/anna.ndjson";
  CHECK(shown(false) == "remove /spool/incoming/...");
  detail = "12 MiB are free on /spool, spool.min_free is 256 MiB";
  CHECK(shown(false) == detail);
  detail = "list /spool/incoming: Permission denied";
  CHECK(shown(false) == detail);
}

TEST_CASE("files that stay are all counted, though not all are named") {
  auto report = busy_report();
  report.left_counts = {{usherd::LeftReason::unreadable, 122}, {usherd::LeftReason::symlink, 3}};
  const auto left = boost::json::parse(status_json(report, true)).at("left");
  CHECK(left.at("count").as_int64() == 125);
  CHECK(left.at("reasons").at("unreadable").as_int64() == 122);
  CHECK(left.at("reasons").at("symlink").as_int64() == 3);
  CHECK(left.at("files").as_array().size() == 2);
}

TEST_CASE("what is stuck is counted for everybody and named through the socket alone") {
  auto report = busy_report();
  report.stuck = {{"anna.ndjson", "it cannot be read"}};
  report.stuck_count = 70;
  const auto named = boost::json::parse(status_json(report, true)).at("stuck");
  CHECK(named.at("count").as_int64() == 70);
  CHECK(named.at("list").at(0).at("name").as_string() == "anna.ndjson");
  CHECK(named.at("list").at(0).at("reason").as_string() == "it cannot be read");
  const auto counted = boost::json::parse(status_json(report, false)).at("stuck").as_object();
  CHECK(counted.at("count").as_int64() == 70);
  CHECK_FALSE(counted.contains("list"));
}

TEST_CASE("an answer stays small however much is left or in progress") {
  auto report = busy_report();
  report.left.assign(10'000, report.left.front());
  report.stuck.assign(10'000, {"a.ndjson", "it cannot be read"});
  CHECK(status_json(report, true).size() < 40'000);
}

TEST_CASE("every park reason comes with a word of advice, and makes it not ready") {
  for (std::size_t i = 0; i < usherd::kParkReasons; ++i) {
    StatusReport report;
    report.state = ServiceState::parked;
    report.parked.push_back({static_cast<ParkReason>(i), {}, 1s, ""});
    CAPTURE(i);
    CHECK(advice_for(report.parked[0].reason).size() > 20);
    const auto why = not_ready(report);
    REQUIRE(why.has_value());
    CHECK(why->find(to_string(report.parked[0].reason)) != std::string::npos);
  }
}

TEST_CASE("whatever parks it is named, a line each") {
  StatusReport report;
  report.state = ServiceState::parked;
  report.parked.push_back({ParkReason::credentials, {}, 1s, ""});
  report.parked.push_back({ParkReason::paused, {}, 1s, ""});
  const auto why = not_ready(report);
  REQUIRE(why.has_value());
  CHECK(*why == "parked (credentials): " + advice_for(report.parked[0]) +
                    "\nparked (paused): " + advice_for(report.parked[1]));
}

TEST_CASE("it is ready while it works or idles, and not while it starts, stops or its ledger is silent") {
  StatusReport report;
  report.state = ServiceState::idle;
  CHECK_FALSE(not_ready(report).has_value());
  report.state = ServiceState::waiting;
  CHECK_FALSE(not_ready(report).has_value());
  report.ledger_answers = false;
  CHECK(not_ready(report).has_value());
  report.ledger_answers = true;
  report.state = ServiceState::starting;
  CHECK(not_ready(report).has_value());
  report.state = ServiceState::stopping;
  CHECK(not_ready(report).has_value());
}

TEST_CASE("the time left follows the backlog and the pace, and is unclear where the pace is nothing") {
  CHECK(usherd::reckon_eta(1'000'000, 100, 1000) == usherd::Milliseconds(10s));
  CHECK(usherd::reckon_eta(0, 0, 0) == usherd::Milliseconds(0));
  CHECK_FALSE(usherd::reckon_eta(1000, 100, 0).has_value());
  CHECK_FALSE(usherd::reckon_eta(1000, 0, 100).has_value());
  CHECK_FALSE(usherd::reckon_eta(~0ULL, 1, 0.001).has_value());
}

}  // namespace
