#include "src/app/drain_progress.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace std::chrono_literals;
using usherd::ParkReason;
using usherd::ProgressLine;
using usherd::StatusReport;

StatusReport with_backlog(std::uint64_t bytes) {
  StatusReport report;
  report.backlog.add(1s, bytes);
  report.ended.outcomes.imported = 1'234'567;
  report.rate_now = 5000;
  return report;
}

bool has(const std::string& whole, const std::string& part) {
  return whole.find(part) != std::string::npos;
}

TEST_CASE("the bar grows from nothing to full as the backlog goes") {
  ProgressLine line;
  CHECK(line.draw(with_backlog(1000), 100).starts_with("  0% [........................]"));
  CHECK(line.draw(with_backlog(4000), 100).starts_with("  0% ["));
  CHECK(line.draw(with_backlog(2000), 100).starts_with(" 50% [############............]"));
  CHECK(line.draw(with_backlog(0), 100).starts_with("100% [########################]"));
}

TEST_CASE("it tells the rate and the time left, or why it stands still") {
  ProgressLine line;
  auto report = with_backlog(1000);
  report.eta = 65s;
  CHECK(has(line.draw(report, 100), "1,234,567 records  5000/s  about 1m 5s left"));
  report.held = 3s;
  CHECK(has(line.draw(report, 100), "waiting 3.0s for the API's rate limit"));
  report.parked.push_back({ParkReason::credentials, {}, 12s, ""});
  CHECK(has(line.draw(report, 100), "parked (credentials) for 12.0s"));
  CHECK_FALSE(has(line.draw(report, 100), "left"));
}

TEST_CASE("one record is called one") {
  ProgressLine line;
  auto report = with_backlog(1000);
  report.ended.outcomes.imported = 1;
  CHECK(has(line.draw(report, 100), "] 1 record  5000/s"));
}

TEST_CASE("it never fills the line of the terminal") {
  ProgressLine line;
  for (const unsigned columns : {0U, 1U, 20U, 80U, 200U})
    CHECK(line.draw(with_backlog(1000), columns).size() <= (columns == 0 ? 0 : columns - 1));
}

}  // namespace
