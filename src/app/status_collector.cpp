#include "src/app/status_collector.hpp"

#include "src/app/stuck.hpp"
#include "usherd/admin/metrics.hpp"
#include "usherd/app/version.hpp"
#include "usherd/core/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

namespace usherd {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kPatience{1'500};
constexpr auto kNow = 15s;
/// However many ask: looking at every open file takes its time.
constexpr auto kFresh = 200ms;

Milliseconds whole(BootClock::duration time) {
  return std::chrono::duration_cast<Milliseconds>(std::max(time, BootClock::duration::zero()));
}

/// Bytes of a file whose records have no outcome yet: what is unread, and what was read and is on its way.
std::uint64_t pending_bytes(const OpenFiles::Entry& entry) {
  if (entry.file.state == FileState::refused)
    return 0;
  const auto& read = entry.progress.read();
  const auto unread = entry.file.read_size - std::min(entry.file.read_size, read.offset);
  const auto average = read.records == 0 ? 0 : read.offset / read.records;
  return (entry.progress.at_end() ? 0 : unread) + entry.progress.pending() * average;
}

/// In place of the advice for a disk that cannot be written.
constexpr std::string_view kShortOfRoom =
    "less than spool.min_free is free where the spool is: nothing is taken in, what was taken in is "
    "delivered; make room, or lower spool.min_free and reload: it goes on by itself";

/// An earlier run may have parked, and only it knew.
std::string refused_with(const SubmitStats& stats) {
  return stats.refusal_code.empty() ? "" : "the code is " + log_code(stats.refusal_code);
}

}  // namespace

StatusCollector::StatusCollector(DaemonParts& parts, Facts facts)
    : parts_(parts),
      facts_(std::move(facts)),
      pulse_(parts.ledger, parts.timers, parts.tasks, [&parts] { return parts.feed.begun(); }),
      started_(parts.timers.now()) {}

boost::asio::awaitable<bool> StatusCollector::ledger_answers() {
  co_return co_await pulse_.refresh(kPatience);
}

boost::asio::awaitable<StatusReport> StatusCollector::collect() {
  const bool answers = co_await pulse_.refresh(kPatience);
  const auto now = parts_.timers.now().boot;
  if (!last_ || now >= fresh_until_ || last_->ledger_answers != answers) {
    last_ = look(answers);
    fresh_until_ = now + kFresh;
  }
  co_return *last_;
}

StatusReport StatusCollector::look(bool ledger_answers) {
  const auto now = parts_.timers.now();
  StatusReport report;
  report.version = version();
  report.mode = facts_.mode;
  report.pid = ::getpid();
  report.now = now.wall;
  report.started = started_.wall;
  report.uptime = whole(now.boot - started_.boot);
  report.ledger_answers = ledger_answers;
  report.ledger_bytes = pulse_.view().bytes;
  report.reload_good = facts_.reload_good();
  report.free_bytes = parts_.intake.last_free_bytes();
  report.left = parts_.intake.left();
  report.left_counts = parts_.intake.left_counts();
  add_parked(report, now);
  add_backlog(report, now);
  add_stuck(report);
  add_jobs(report);
  add_pace(report, now);
  report.state = state_of(report);
  return report;
}

void StatusCollector::add_parked(StatusReport& report, Instant now) const {
  const auto add = [&](ParkReason reason, BootTime since, std::string detail) {
    ParkedReport parked;
    parked.reason = reason;
    parked.age = whole(now.boot - since);
    parked.since = now.wall - parked.age;
    parked.advice = parts_.gate.advice(reason);
    parked.detail = std::move(detail);
    report.parked.push_back(std::move(parked));
  };
  const auto& parking = parts_.gate.parking();
  const auto& intake = parts_.intake.parked();
  for (std::size_t i = 0; i < kParkReasons; ++i) {
    const auto reason = static_cast<ParkReason>(i);
    const auto since = parking.since(reason);
    const bool is_disk = reason == ParkReason::disk && intake.has_value();
    if (since && is_disk)
      add(reason, std::min(*since, parts_.intake.parked_since()), *intake);
    else if (since && reason == ParkReason::refused)
      add(reason, *since, refused_with(parts_.submitter.stats()));
    else if (since)
      add(reason, *since, "");
    else if (is_disk)
      add(reason, parts_.intake.parked_since(), *intake);
    if (is_disk && !since && parts_.intake.is_short_of_room())
      report.parked.back().advice = kShortOfRoom;
  }
  report.held = whole(parts_.gate.held_until() - now.boot);
  if (const auto outage = parts_.api.outage()) {
    const auto& so_far = outage->so_far;
    report.outage = OutageReport{so_far.lasted, now.wall - so_far.lasted, so_far.requests, outage->why};
  }
}

void StatusCollector::add_backlog(StatusReport& report, Instant now) {
  const auto& view = pulse_.view();
  report.backlog = view.unread;
  auto oldest = view.oldest;
  std::uint64_t read_bytes = 0;
  std::uint64_t read_records = 0;
  parts_.files.each([&](const OpenFiles::Entry& entry) {
    report.pending_records += entry.progress.pending();
    if (view.counts(entry.file.number))
      return;
    report.backlog.add(now.wall - entry.file.accepted, pending_bytes(entry));
    oldest = std::min(oldest.value_or(entry.file.accepted), entry.file.accepted);
    read_bytes += entry.progress.read().offset;
    read_records += entry.progress.read().records;
  });
  if (read_records > 0)
    record_bytes_ = static_cast<double>(read_bytes) / static_cast<double>(read_records);
  if (oldest)
    report.oldest = std::max<Milliseconds>(now.wall - *oldest, 0ms);
  report.waiting_records = parts_.batcher.order().waiting();
}

void StatusCollector::add_stuck(StatusReport& report) {
  const auto total = report.backlog.total();
  const auto& stalled = parts_.recorder.stalled();
  std::set<std::string> told;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  bool reader_waits = false;
  const auto add = [&](const std::string& name, std::string reason) {
    if (++report.stuck_count <= StatusReport::kMostStuck)
      report.stuck.push_back({name, std::move(reason)});
  };
  parts_.files.each([&](const OpenFiles::Entry& entry) {
    if (entry.stuck.empty() && stalled.empty())
      return;
    auto why = why_stuck(parts_, entry);
    if (!why)
      return;
    ++files;
    bytes += pending_bytes(entry);
    // One that no run can finish is passed over; one that is tried again holds up those behind it.
    reader_waits = reader_waits || (entry.stuck.empty() && !entry.progress.at_end());
    const auto name = printable(entry.file.name);
    add(name, std::move(*why));
    told.insert(name);
  });
  std::uint64_t batches = 0;
  for (const auto& [name, one] : stalled) {
    if (told.contains(name))
      continue;
    add(name, why_stuck(one));
    if (is_batch(name))
      ++batches;
    else
      reader_waits = true;  // it is being converted
  }
  const bool none_moves = batches > 0 && batches >= parts_.delivery.in_progress() && parts_.feed.is_idle();
  moves_ = report.stuck_count == 0 || (files < total.files && !reader_waits && !none_moves);
  moving_bytes_ = total.bytes - std::min(total.bytes, bytes);
}

void StatusCollector::add_jobs(StatusReport& report) const {
  const auto& budget = parts_.budget;
  report.batches = {budget.batches(), budget.usable_batches(), budget.limit_batches()};
  report.operations = {budget.operations(), budget.usable_operations(), budget.limit_operations()};
  report.sessions_busy = parts_.sessions.busy();
  report.sessions_idle = parts_.sessions.idle();
  report.sessions_limit = parts_.sessions.size();
  report.job_count = parts_.delivery.in_progress();
  for (auto& batch : parts_.delivery.batches()) {
    if (!batch.job.empty())
      report.oldest_job = std::max(report.oldest_job.value_or(batch.age), batch.age);
    report.jobs.push_back(
        JobReport{batch.batch, std::move(batch.job), to_string(batch.stage), batch.records, batch.age});
  }
  std::stable_sort(report.jobs.begin(), report.jobs.end(),
                   [](const JobReport& a, const JobReport& b) { return a.age > b.age; });
}

void StatusCollector::add_pace(StatusReport& report, Instant now) const {
  const auto& totals = parts_.settling.totals();
  report.ended.outcomes = parts_.tally.records();
  report.ended.files_refused = totals.refused;
  report.ended.files_with_rejects = totals.with_rejects;
  report.ended.files_done = totals.files - totals.refused - totals.with_rejects;
  const auto& rate = parts_.tally.rate();
  report.rate_now = rate.rate(now.boot, kNow);
  report.rate_hour = rate.rate(now.boot, 1h);
  report.rate_history = rate.history(now.boot, StatusReport::kRatePoints);
  // The rate of the last seconds says nothing of the next ones while something holds them up, or nothing
  // passes.
  const double pace = report.parked.empty() && !report.outage ? report.rate_now : 0;
  if (moves_)
    report.eta = reckon_eta(moving_bytes_, record_bytes_, pace);
  report.rejects = parts_.tally.codes().latest();
  if (report.rejects.size() > StatusReport::kMostCodes)
    report.rejects.resize(StatusReport::kMostCodes);
}

ServiceState StatusCollector::state_of(const StatusReport& report) const {
  const auto phase = facts_.phase();
  if (phase == ServicePhase::starting)
    return ServiceState::starting;
  if (phase == ServicePhase::stopping)
    return ServiceState::stopping;
  if (!report.parked.empty())
    return ServiceState::parked;
  if (report.backlog.total().files == 0 && report.job_count == 0)
    return ServiceState::idle;
  return report.held > 0ms ? ServiceState::waiting : ServiceState::delivering;
}

std::string StatusCollector::metrics(const StatusReport& report) const {
  return metrics_text(report, parts_.tally, whole(parts_.gate.held_time()), read_process_figures());
}

}  // namespace usherd
