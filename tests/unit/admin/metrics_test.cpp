#include "usherd/admin/metrics.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>

namespace {

using namespace std::chrono_literals;
using usherd::ParkReason;
using usherd::StatusReport;
using usherd::Tally;

std::string metrics(const StatusReport& report, const Tally& tally) {
  return usherd::metrics_text(report, tally, 2500ms, usherd::read_process_figures());
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::set<std::string> series(const std::string& text) {
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#'))
      names.insert(line.substr(0, line.rfind(' ')));
  }
  return names;
}

TEST_CASE("counters and gauges say what the report and the tally hold") {
  Tally tally(usherd::BootTime{1h});
  tally.answered(usherd::Call::create, 429, 30ms);
  tally.body_sent(1000);
  tally.job_ended(2s);
  tally.key_given_up("job_failed");
  StatusReport report;
  report.version = "1.2.3";
  report.batches = {3, 50, 90};
  report.oldest = 90s;
  report.backlog.add(1s, 77);
  report.parked.push_back({ParkReason::disk, {}, 1s, ""});
  report.reload_good = false;
  const auto text = metrics(report, tally);
  for (const auto* line : {"usherd_requests_total{call=\"create\",code=\"429\"} 1",
                           "usherd_requests_total{call=\"create\",code=\"200\"} 0",
                           "usherd_request_duration_seconds_bucket{call=\"create\",le=\"0.05\"} 1",
                           "usherd_request_duration_seconds_bucket{call=\"create\",le=\"0.025\"} 0",
                           "usherd_request_duration_seconds_count{call=\"create\"} 1",
                           "usherd_job_duration_seconds_bucket{le=\"2.5\"} 1",
                           "usherd_job_duration_seconds_bucket{le=\"1\"} 0",
                           "usherd_job_duration_seconds_bucket{le=\"+Inf\"} 1",
                           "usherd_job_duration_seconds_sum 2",
                           "usherd_sent_bytes_total 1000",
                           "usherd_rekeyed_total{reason=\"job_failed\"} 1",
                           "usherd_batches_in_progress 3",
                           "usherd_budget_batches 50",
                           "usherd_oldest_pending_seconds 90",
                           "usherd_backlog_files 1",
                           "usherd_backlog_bytes 77",
                           "usherd_parked{reason=\"disk\"} 1",
                           "usherd_parked{reason=\"paused\"} 0",
                           "usherd_retry_after_seconds_total 2.5",
                           "usherd_config_last_reload_successful 0",
                           "usherd_build_info{version=\"1.2.3\"} 1"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("no server and no producer can add a series") {
  Tally tally(usherd::BootTime{1h});
  StatusReport report;
  const auto before = series(metrics(report, tally));
  for (unsigned status = 0; status < 1000; ++status)
    tally.answered(usherd::Call::status, status, 1ms);
  const std::vector<usherd::Reason> reasons{{"made up", ""}};
  const std::vector<usherd::ReasonCounts> counts{{1, 0}};
  tally.batch_ended(reasons, counts, {}, {});
  tally.key_given_up("made up");
  report.jobs.push_back({1, "a job", "processing", 1, 1s});
  CHECK(series(metrics(report, tally)) == before);
}

TEST_CASE("the process's own figures are those of this process") {
  const auto figures = usherd::read_process_figures();
  CHECK(figures.resident_bytes > 1'000'000);
  CHECK(figures.virtual_bytes >= figures.resident_bytes);
  CHECK(figures.open_descriptors >= 3);
  CHECK(figures.most_descriptors >= figures.open_descriptors);
  CHECK(figures.started > 1.5e9);
}

}  // namespace
