#include "src/app/end_reasons.hpp"
#include "usherd/app/delivery.hpp"
#include "usherd/batch/operations.hpp"
#include "usherd/core/text.hpp"
#include "usherd/poll/job_patience.hpp"
#include "usherd/submit/send_age.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace usherd {
namespace {

/// Jobs of one batch that may fail whole before it is halved, and a lone record ends unknown.
constexpr std::uint32_t kWholeFailures = 2;

/// How often the lists of a job are read from their first pages. Nobody tells how long a page token lives
/// (api: not documented), and between two pages there may be an outage.
constexpr unsigned kReadings = 3;

/// A longer page is read again once the disk gives the records that it names: any batch may wait with one.
constexpr std::size_t kMostKeptBytes = 256U << 10;

/// Between POSTs that brought no word of a vanished job.
constexpr Milliseconds kFirstRepost{500};
constexpr Milliseconds kSlowestRepost{60'000};

BatchStage stage_of(const ActiveBatch& batch) {
  if (batch.row.state == BatchState::frozen)
    return batch.has_place && !batch.surely_never_sent() ? BatchStage::sending : BatchStage::waiting;
  return batch.is_ending || batch.reads_results ? BatchStage::reading : BatchStage::processing;
}

/// What the records end with that no page of the errors named.
std::string why_errors_unread(const PagesRead& read) {
  if (read.end == PagesEnd::forbidden)
    return "the job has errors and the API does not let this key read them";
  return "a page of the errors could not be read: " + read.why;
}

}  // namespace

std::string_view to_string(BatchStage stage) {
  constexpr std::string_view kNames[] = {"waiting", "sending", "processing", "reading"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::vector<BatchInProgress> Delivery::batches() const {
  std::vector<BatchInProgress> all;
  all.reserve(active_.size());
  for (const auto& [id, batch] : active_) {
    BatchInProgress each;
    each.batch = id;
    each.job = batch->row.job;
    for (const auto& share : batch->shares)
      each.records += share.records;
    each.stage = stage_of(*batch);
    each.submitted = batch->row.submitted;
    const auto since_frozen =
        std::max(Milliseconds{0}, Milliseconds{parts_.timers.now().wall - batch->row.created});
    each.age = batch->row.submitted ? job_age(*batch) : since_frozen;
    each.abandoned_keys = batch->row.abandoned;
    all.push_back(std::move(each));
  }
  return all;
}

boost::asio::awaitable<Result<std::uint64_t>> Delivery::abandon(std::string job) {
  const auto named = [&job](const auto& entry) {
    return entry.second->row.state == BatchState::accepted && entry.second->row.job == job;
  };
  const auto found = std::find_if(active_.begin(), active_.end(), named);
  if (found == active_.end())
    co_return Error{Errc::not_found, "no such job is in progress; 'usherd jobs list' names those that are"};
  const Batch batch = found->second;
  if (batch->is_ending)
    co_return Error{Errc::unavailable, "that job is just ending"};
  batch->is_abandoned = true;
  std::uint64_t records = 0;
  for (const auto& share : batch->shares)
    records += share.records;
  parts_.log.warn("batch {}: its job of {} is given up by the operator", batch->row.id,
                  counted(records, "record", "records"));
  auto verdict =
      BatchVerdict::all(batch->operations(), OperationEnd::unknown, kJobGivenUp.code, kJobGivenUp.message);
  const bool durable = co_await write_end(batch, std::move(verdict));
  if (!durable)
    co_return Error{Errc::cancelled, "usherd is stopping; the job is still followed"};
  co_return records;
}

Milliseconds Delivery::job_age(const ActiveBatch& batch) const {
  const auto now = parts_.timers.now();
  if (!batch.row.submitted)
    return Milliseconds{0};
  const auto by_wall = std::max<Milliseconds>(Milliseconds{0}, now.wall - *batch.row.submitted);
  const auto& sent = batch.row.sent;
  if (!sent || sent->boot_id != parts_.submitter.send_time().boot_id)
    return by_wall;
  // Within one boot nobody can set the clock that counts.
  const auto since_sent =
      std::max(Milliseconds{0}, std::chrono::duration_cast<Milliseconds>(now.boot - sent->boot));
  const auto before =
      std::clamp<Milliseconds>(*batch.row.submitted - sent->wall, Milliseconds{0}, since_sent);
  return since_sent - before;
}

boost::asio::awaitable<bool> Delivery::follow(Batch batch) {
  batch->pack();
  const auto accepted = parts_.timers.now().boot - job_age(*batch);
  const auto seen = co_await parts_.poller.follow(*batch, accepted);
  if (seen.end == JobSeen::End::stopped || batch->is_abandoned)
    co_return false;
  if (seen.end == JobSeen::End::vanished)
    co_return co_await job_vanished(batch);
  if (seen.end == JobSeen::End::timed_out)
    co_return co_await end_all(batch, OperationEnd::unknown, kJobTimeout);
  batch->reads_results = true;
  parts_.tally.job_ended(job_age(*batch));
  const auto& answer = seen.answer;
  if (judge(answer, batch->operations()) == JobEnd::all_imported)
    co_return co_await end(batch, BatchVerdict{});
  co_return co_await read_verdict(batch, answer);
}

boost::asio::awaitable<bool> Delivery::job_vanished(Batch batch) {
  auto wait = kFirstRepost;
  const auto alarm = parts_.timers.alarm(WaitFor::post_again);
  const auto old_job = batch->row.job;
  JobPatience patience(parts_.timers.now().boot - job_age(*batch));
  while (true) {
    const auto answer = co_await parts_.submitter.repost(*batch);
    if (batch->is_abandoned || (!answer && answer.error().code == Errc::cancelled))
      co_return false;
    if (answer && answer->id != old_job)
      co_return co_await follow_other_job(batch, *answer);
    const bool unheard = !answer && answer.error().code == Errc::timeout;
    if (answer || (!unheard && answer.error().code != Errc::unavailable))
      co_return co_await end_all(batch, OperationEnd::unknown, kJobVanished);
    const auto now = parts_.timers.now().boot;
    if (patience.ends(unheard ? JobWord::none : JobWord::unclear, parts_.poller.job_timeout(), now))
      co_return co_await end_all(batch, OperationEnd::unknown, kVanishedTimeout);
    co_await alarm->wait_until(parts_.timers.now().boot + wait);
    wait = std::min(wait * 2, kSlowestRepost);
    if (batch->is_abandoned)
      co_return false;
  }
}

boost::asio::awaitable<bool> Delivery::follow_other_job(Batch batch, JobAnswer job) {
  const auto id = batch->row.id;
  const auto now = parts_.submitter.send_time();
  const auto sent = batch->row.sent ? agreed(*batch->row.sent, now) : now;
  GroupCommit::Change change = [id, job, now, sent](Ledger& ledger) {
    auto accepted = ledger.batch_accepted(id, job.id, job.created, now.wall);
    return accepted ? ledger.set_sent(id, sent) : accepted;
  };
  batch->is_ending = true;
  const bool durable = co_await parts_.recorder.record(std::move(change));
  batch->is_ending = false;
  batch->row.job = job.id;
  batch->row.job_created = job.created;
  batch->row.submitted = now.wall;
  batch->row.sent = sent;
  co_return durable;
}

boost::asio::awaitable<bool> Delivery::job_failed_whole(Batch batch) {
  parts_.log.warn("batch {}: its job failed and names no error", batch->row.id);
  if (batch->row.tries_without_verdict >= kWholeFailures && !batch->has_anonymous()) {
    if (batch->operations() > 1)
      co_return co_await halve(batch, "job_failed");
    co_return co_await end_all(batch, OperationEnd::unknown, kFailsWhole);
  }
  const auto id = batch->row.id;
  GroupCommit::Change change = [id](Ledger& ledger) { return ledger.count_try_without_verdict(id); };
  batch->is_ending = true;
  const bool durable = co_await parts_.recorder.record(std::move(change));
  if (!durable)
    co_return false;
  ++batch->row.tries_without_verdict;
  co_return co_await give_key_up(batch, "job_failed", kFailsWhole);
}

boost::asio::awaitable<Result<void>> Delivery::add_page(Batch batch, std::shared_ptr<JobVerdict> verdict,
                                                        Call call, PageAtHand read) {
  auto shared = std::make_shared<ResultPage>(std::move(read.page));
  auto work = [verdict, shared, call] {
    return call == Call::errors ? verdict->add_errors(*shared) : verdict->add_imports(*shared);
  };
  const auto name = fmt::format("batch {}", batch->row.id);
  while (true) {
    const auto added = co_await parts_.workers.run(work);
    if (added) {
      parts_.recorder.note_moving(name);
      co_return added;
    }
    if (added.error().code == Errc::cancelled)
      co_return added;
    const bool is_kept = shared->bytes() <= kMostKeptBytes;
    if (!is_kept)
      *shared = ResultPage{};
    read.place.release();
    const bool again = co_await parts_.recorder.wait_for_one(name, added.error(), Purpose::finish);
    if (!again || batch->is_abandoned)
      co_return Error{Errc::cancelled, "stopping"};
    if (!is_kept)
      co_return Error{Errc::unavailable, "the page was not kept"};
  }
}

boost::asio::awaitable<PagesRead> Delivery::read_list(Batch batch, std::shared_ptr<JobVerdict> verdict,
                                                      Call call) {
  Poller::OnPage on_page = [this, batch, verdict, call](PageAtHand read) {
    return add_page(batch, verdict, call, std::move(read));
  };
  const auto accepted = parts_.timers.now().boot - job_age(*batch);
  co_return co_await parts_.poller.read_pages(*batch, accepted, call, std::move(on_page));
}

boost::asio::awaitable<bool> Delivery::read_verdict(Batch batch, JobAnswer answer, BatchVerdict named,
                                                    unsigned read_before) {
  const auto paths = parts_.files.paths(batch->shares, batch->row.id);
  const auto manifest = [batch] { return batch->whole_manifest(); };
  // A page that names long records without end must not outlast stop_timeout.
  ReadOperation read_until_stop = [this, read = read_operations(parts_.disk, manifest, paths)](
                                      std::uint32_t index) -> Result<std::string> {
    return stopping_ ? Error{Errc::cancelled, "stopping"} : read(index);
  };
  auto verdict = std::make_shared<JobVerdict>(batch->row, parts_.keys, std::move(read_until_stop));
  bool all_read = true;
  std::optional<std::string> why_unread;
  bool forbidden = false;
  for (const auto call : {Call::errors, Call::imports}) {
    const auto read = co_await read_list(batch, verdict, call);
    if (read.end == PagesEnd::stopped || batch->is_abandoned)
      co_return false;
    if (read.end == PagesEnd::timed_out && call == Call::errors)
      co_return co_await end_all(batch, OperationEnd::unknown, kResultsTimeout);
    const bool complete = read.end == PagesEnd::complete;
    if (!complete && call == Call::errors) {
      verdict->add_rejected(named);
      why_unread = why_errors_unread(read);
      forbidden = read.end == PagesEnd::forbidden;
    }
    if (read.end == PagesEnd::stale && read_before + 1 < kReadings) {
      named = verdict->verdict_in_part(answer, {});
      verdict.reset();
      co_return co_await read_verdict(batch, std::move(answer), std::move(named), read_before + 1);
    }
    if (!complete && call == Call::errors && verdict->failed_by_its_counts(answer))
      co_return co_await job_failed_whole(batch);
    all_read = all_read && complete;
    if (read.end == PagesEnd::forbidden || verdict->is_complete(answer))
      break;
  }
  if (all_read && verdict->failed_without_errors(answer))
    co_return co_await job_failed_whole(batch);
  if (!why_unread)
    co_return co_await end(batch, verdict->verdict(answer));
  auto outcome = forbidden ? verdict->verdict_forbidden(answer, std::move(*why_unread))
                           : verdict->verdict_in_part(answer, std::move(*why_unread));
  co_return co_await end(batch, std::move(outcome));
}

}  // namespace usherd
