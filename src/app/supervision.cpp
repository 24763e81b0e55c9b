#include "src/app/supervision.hpp"

#include "src/app/named_files.hpp"
#include "usherd/app/config_file.hpp"
#include "usherd/app/config_reload.hpp"
#include "usherd/app/environment.hpp"
#include "usherd/core/log_event.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace usherd {
namespace {

/// Files left that a drain names; the rest is counted.
constexpr std::size_t kMostNamed = 20;

std::string refused_text(const SettledTotals& totals) {
  std::string text;
  for (const auto& one : totals.first_refused)
    text += one + "\n";
  if (totals.refused > totals.first_refused.size())
    text += fmt::format("refused: {} more\n", totals.refused - totals.first_refused.size());
  return text;
}

std::string left_text(const DrainReport& report) {
  std::string text;
  const auto named = std::min(report.left.size(), kMostNamed);
  for (std::size_t i = 0; i < named; ++i) {
    const auto& left = report.left[i];
    text += fmt::format("left in incoming/: {} ({}: {})\n", printable(left.name), word_of(left.reason),
                        left.detail);
  }
  if (report.left_count > named)
    text += fmt::format("left in incoming/: {} more\n", report.left_count - named);
  return text;
}

}  // namespace

Supervision::Supervision(Config config, Daemon::Options options, DaemonParts& parts, Log& log,
                         OnReload on_reload)
    : config_(std::move(config)),
      options_(std::move(options)),
      parts_(parts),
      log_(log),
      on_reload_(std::move(on_reload)),
      news_(parts.timers.alarm(WaitFor::supervision)),
      stopping_(parts.timers.alarm(WaitFor::supervision)),
      link_(ServiceLink::Parts{parts.service, parts.timers, parts.tasks, parts.ledger, parts.workers, log,
                               [this] { return service_facts(); }, [this] { return vital_signs(); }}) {
  const auto news = [this] { news_->ring(); };
  parts_.tasks.on_failure(news);
  parts_.gate.on_change(news);
  parts_.settling.on_settled(news);
  parts_.settling.on_refused([this] { parts_.intake.doubt_folders(); });
  parts_.feed.on_idle(news);
  parts_.intake.on_parked(news);
  parts_.recorder.on_stalled(news);
  parts_.api.on_quiet([this] { stopping_->ring(); });
}

void Supervision::fail(ExitCode exit, std::string message) {
  if (summary_.error.empty()) {
    summary_.exit = exit;
    summary_.error = std::move(message);
  }
  stop_asked_ = true;
  news_->ring();
}

boost::asio::awaitable<void> Supervision::run() {
  std::exception_ptr failure;
  try {
    co_await work();
  } catch (...) {
    failure = std::current_exception();
  }
  // Whatever happened: what still runs would keep the process from its end.
  co_await wind_down();
  if (!failure)
    failure = parts_.tasks.failure();
  if (failure)
    std::rethrow_exception(failure);
}

boost::asio::awaitable<void> Supervision::work() {
  if (options_.timeout)
    deadline_ = parts_.timers.now().boot + *options_.timeout;
  parts_.tasks.spawn(link_.run());
  const bool recovered = co_await recover();
  if (recovered && !stop_asked_) {
    parts_.tasks.spawn(parts_.settling.run());
    parts_.tasks.spawn(parts_.feed.run());
    parts_.tasks.spawn(parts_.delivery.run());
    parts_.tasks.spawn(parts_.recovery.run([this] { parts_.delivery.budget_changed(); }));
    const bool runs = options_.mode == Daemon::Mode::run;
    link_.enter(runs ? ServicePhase::delivering : ServicePhase::draining);
    log_event(log_, LogLevel::info, {LogEvent::started, {}, 0, {}, {}},
              "started; {} of an earlier run {} open", counted(found_files_, "file", "files"),
              found_files_ == 1 ? "is" : "are");
    if (runs) {
      parts_.tasks.spawn(parts_.intake.run());
      co_await wait_for_stop();
    } else {
      co_await drain();
    }
  }
}

boost::asio::awaitable<bool> Supervision::recover() {
  auto unfinished = [](Ledger& ledger) { return ledger.count_open_files(); };
  const auto open = co_await parts_.ledger.ask(std::move(unfinished));
  found_files_ = open ? *open : 0;
  // Spawned first: it holds back whatever of an earlier run might go to another organisation.
  parts_.tasks.spawn(parts_.identity.run());
  auto recovered = co_await parts_.delivery.recover();
  if (recovered)
    recovered = co_await parts_.feed.recover();
  if (recovered)
    co_return true;
  auto fault = ledger_fault(recovered.error());
  fail(fault.exit, std::move(fault.error.message));
  co_return false;
}

void Supervision::stop() {
  if (stop_asked_) {
    log_.warn("told to stop again: breaking off what is under way");
    cancel_asked_ = true;
  } else {
    log_event(log_, LogLevel::info, {LogEvent::stopping, {}, 0, {}, {}},
              "stopping: no new work; exchanges under way may finish");
    link_.enter(ServicePhase::stopping);
  }
  stop_asked_ = true;
  parts_.gate.close();
  news_->ring();
  stopping_->ring();
}

ServicePhase Supervision::phase() const {
  return stop_asked_ ? ServicePhase::stopping : link_.phase();
}

std::string_view Supervision::mode() const {
  return options_.mode == Daemon::Mode::run ? "run" : "drain";
}

Result<void> Supervision::reload() {
  link_.reloading();
  auto outcome = load_config(options_.config_path);
  add_named_faults(outcome, process_environment());
  reload_good_ = outcome.good();
  if (!outcome.good()) {
    for (const auto& fault : outcome.faults)
      log_event(log_, LogLevel::error, {LogEvent::reload_refused, {}, 0, {}, {}},
                "the configuration was not reloaded, the old one stays: {}",
                format_fault(outcome.file, fault));
    link_.reloaded();
    return Error{Errc::invalid,
                 "the configuration was not reloaded, the old one stays:\n" + format_faults(outcome)};
  }
  take_up(outcome.config);
  log_event(log_, LogLevel::info, {LogEvent::reloaded, {}, 0, {}, {}}, "configuration reloaded");
  link_.reloaded();
  return {};
}

void Supervision::take_up(const Config& fresh) {
  auto reloaded = reload_config(config_, fresh);
  const bool moved = reloaded.config.api.base_url != config_.api.base_url;
  config_ = std::move(reloaded.config);
  parts_.batcher.configure(batch_limits(config_), config_.batch.lookahead);
  parts_.submitter.configure(batch_size(config_));
  parts_.budget.configure(static_cast<std::uint32_t>(config_.limits.in_progress_batches),
                          config_.limits.in_progress_operations);
  parts_.delivery.budget_changed();
  parts_.gate.configure(config_.limits.requests_per_second, static_cast<double>(config_.limits.burst));
  parts_.sessions.resize(config_.api.sessions);
  parts_.delivery.set_sessions(config_.api.sessions);
  parts_.feed.set_sessions(config_.api.sessions);
  parts_.longest_exchange = longest_exchange_of(config_);
  parts_.poller.set_job_timeout(config_.limits.job_timeout);
  parts_.freezing.set_merge(config_.records.merge);
  parts_.freezing.set_rules(record_rules(config_));
  parts_.feed.set_rules(record_rules(config_));
  parts_.intake.reload(config_.spool.settle, config_.spool.rescan, config_.spool.min_free);
  parts_.feed.set_convert_limits(convert_limits(config_, parts_.free_space));
  parts_.settling.set_keep(config_.spool.keep_done, config_.spool.keep_rejected);
  on_reload_(config_);
  if (moved)
    parts_.identity.moved(config_.api.base_url);
  parts_.gate.probe_now();
  for (const auto& name : reloaded.waiting)
    log_.warn("{} changes at the next restart", name);
}

ServiceFacts Supervision::service_facts() {
  ServiceFacts facts;
  const auto now = parts_.timers.now().boot;
  rate_.note(parts_.delivery.ended_records(), now);
  facts.records_per_second = rate_.per_second();
  const auto& parking = parts_.gate.parking();
  const auto park = [&](ParkReason reason, BootTime since) {
    if (std::find(facts.parked.begin(), facts.parked.end(), reason) == facts.parked.end())
      facts.parked.push_back(reason);
    facts.parked_for = std::max(facts.parked_for, now - since);
  };
  for (std::size_t i = 0; i < kParkReasons; ++i) {
    const auto reason = static_cast<ParkReason>(i);
    if (const auto since = parking.since(reason))
      park(reason, *since);
  }
  if (parts_.intake.parked())
    park(ParkReason::disk, parts_.intake.parked_since());
  if (const auto outage = parts_.api.outage())
    facts.silent_for = outage->so_far.lasted;
  facts.held_for = parts_.gate.held_until() - now;
  facts.batches = parts_.delivery.in_progress();
  const auto known = found_files_ + parts_.intake.accepted_files();
  const auto settled = parts_.settling.totals().files;
  facts.files = known > settled ? known - settled : 0;
  facts.exchanges = parts_.api.in_flight();
  return facts;
}

VitalSigns Supervision::vital_signs() {
  VitalSigns signs;
  signs.ledger_asked = parts_.ledger.asked();
  signs.ledger_answered = parts_.ledger.answered();
  signs.first_due = parts_.waits.first();
  // Probes are jobs too; what else is under way tells whether something moves.
  const auto jobs = parts_.workers.under_way() + parts_.ledger.under_way();
  signs.jobs = jobs > link_.probes() ? jobs - link_.probes() : 0;
  const bool works = link_.phase() == ServicePhase::delivering || link_.phase() == ServicePhase::draining;
  signs.unfinished =
      works && (parts_.delivery.in_progress() > 0 || !parts_.batcher.idle() || !parts_.feed.is_idle());
  for (const auto what : {WaitFor::linger, WaitFor::gate, WaitFor::exchange, WaitFor::post_again,
                          WaitFor::poll, WaitFor::page_again, WaitFor::identity, WaitFor::disk})
    signs.delivery_waits += parts_.waits.timed(what);
  // What cannot be settled yet may keep the next files from being read; else it waits for what is to be
  // removed.
  if (!parts_.settling.idle())
    signs.delivery_waits += parts_.waits.timed(WaitFor::settling);
  signs.takes_files = link_.phase() == ServicePhase::delivering;
  signs.intake_waits = parts_.waits.timed(WaitFor::intake);
  const auto& parking = parts_.gate.parking();
  signs.stands_still = parking.holds(ParkReason::paused) || parking.holds(ParkReason::refused) ||
                       parking.holds(ParkReason::organisation);
  return signs;
}

boost::asio::awaitable<void> Supervision::wait_for_stop() {
  while (!stop_asked_ && !parts_.tasks.failure())
    co_await news_->wait_until(kNever);
}

boost::asio::awaitable<void> Supervision::take_present() {
  auto report = co_await parts_.intake.take_present();
  if (!report) {
    fail(ExitCode::failure, report.error().message);
    co_return;
  }
  taken_ = std::move(*report);
  parts_.feed.intake_ended();
  news_->ring();
}

bool Supervision::is_drained() const {
  return taken_ && parts_.feed.is_idle() && parts_.batcher.idle() && parts_.delivery.in_progress() == 0 &&
         parts_.settling.idle();
}

/// What waits by itself ends no drain while others move.
BootTime Supervision::stalled_since() const {
  auto since = kNever;
  for (const auto& [what, stall] : parts_.recorder.stalled())
    since = std::min(since, std::max(stall.since, moved_));
  return since;
}

void Supervision::note_progress() {
  const auto ended = parts_.delivery.ended_records() + parts_.settling.totals().files;
  if (std::exchange(ended_, ended) != ended)
    moved_ = parts_.timers.now().boot;
}

BootTime Supervision::give_up_at() const {
  auto until = deadline_;
  if (const auto reason = parts_.gate.parking().first())
    // What an earlier run was parked for may end in this one.
    until = std::min(until,
                     std::max(*parts_.gate.parking().since(*reason), drains_since_) + options_.park_timeout);
  if (parts_.intake.parked())
    until = std::min(until, parts_.intake.parked_since() + options_.park_timeout);
  if (const auto since = stalled_since(); since != kNever)
    until = std::min(until, since + options_.park_timeout);
  return until;
}

std::string_view Supervision::safe_places() const {
  return taken_ ? "working/" : "incoming/ and working/";
}

std::string Supervision::why_given_up() const {
  if (const auto reason = parts_.gate.parking().first())
    return fmt::format("gave up: parked ({}): {}; what is left is safe in {}", to_string(*reason),
                       parts_.gate.advice(*reason), safe_places());
  if (const auto& reason = parts_.intake.parked())
    return fmt::format("gave up: parked (disk): {}; what is left is safe in incoming/ and working/", *reason);
  if (const auto& stalled = parts_.recorder.stalled(); !stalled.empty())
    return fmt::format(
        "gave up: {}{} cannot be read or written now; what is left is safe in {}", stalled.begin()->first,
        stalled.size() == 1 ? "" : fmt::format(" and {} more", stalled.size() - 1), safe_places());
  return fmt::format("gave up after --timeout; what is left is safe in {}", safe_places());
}

boost::asio::awaitable<void> Supervision::drain() {
  drains_since_ = parts_.timers.now().boot;
  parts_.tasks.spawn(take_present());
  while (!stop_asked_ && !is_drained() && !parts_.tasks.failure()) {
    note_progress();
    const auto until = give_up_at();
    if (parts_.timers.now().boot >= until) {
      fail(ExitCode::unavailable, why_given_up());
      break;
    }
    co_await news_->wait_until(until);
  }
  if (!is_drained() && summary_.error.empty())
    fail(ExitCode::failure,
         fmt::format("stopped before everything was delivered; what is left is safe in {}", safe_places()));
  if (taken_) {
    // Delivery took its time, and producers went on dropping.
    if (auto left = co_await parts_.intake.left_behind())
      taken_ = std::move(*left);
  }
  report_drain();
}

void Supervision::report_drain() {
  const auto& totals = parts_.settling.totals();
  const auto& sum = totals.outcomes;
  summary_.report = fmt::format(
      "files {}  refused {}  records {}  imported {}  merged {}  rejected {}  unknown {}  rekeyed {}\n",
      totals.files, totals.refused, totals.records, sum.imported, sum.merged, sum.rejected, sum.unknown,
      sum.rekeyed);
  summary_.notes = refused_text(totals) + (taken_ ? left_text(*taken_) : "");
  if (!summary_.error.empty())
    return;
  if (const auto stuck = totals.stuck + parts_.feed.unreadable(); stuck > 0) {
    fail(ExitCode::failure, fmt::format("{} accepted files cannot be finished: run 'usherd doctor'", stuck));
    return;
  }
  if (sum.rejected + sum.unknown + totals.refused > 0)
    summary_.exit = ExitCode::with_rejects;
}

boost::asio::awaitable<void> Supervision::wind_down() {
  if (link_.phase() != ServicePhase::stopping)
    link_.enter(ServicePhase::stopping);
  parts_.gate.close();
  // Nothing of theirs is under way.
  parts_.api.stop_dialling();
  parts_.intake.stop();
  parts_.feed.stop();
  parts_.delivery.stop();
  parts_.recorder.stop();
  // What is under way may finish: an answer that comes in time need not be asked for again.
  const auto until = parts_.timers.now().boot + config_.stop_timeout;
  while (parts_.api.in_flight() > 0 && !cancel_asked_ && parts_.timers.now().boot < until)
    co_await stopping_->wait_until(until);
  // Whoever got an answer has handed its news to the ledger by now; two turns of its thread make them
  // durable.
  for (int turn = 0; turn < 2; ++turn) {
    auto nothing = [](Ledger&) { return true; };
    co_await parts_.ledger.ask(std::move(nothing));
  }
  parts_.tasks.cancel();
  co_await parts_.tasks.wait_empty();
  co_await parts_.delivery.forget_unsent();
  co_await parts_.intake.conclude();
}

}  // namespace usherd
