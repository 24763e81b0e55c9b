#include "usherd/app/delivery.hpp"

#include "usherd/batch/operations.hpp"

#include <algorithm>
#include <numeric>

namespace usherd {
namespace {

/// Jobs of one batch that may fail whole before it is halved, and a lone record ends unknown.
constexpr std::uint32_t kWholeFailures = 2;

std::vector<std::vector<std::size_t>> halves(std::size_t operations) {
  std::vector<std::vector<std::size_t>> parts(2);
  parts[0].resize(operations / 2);
  parts[1].resize(operations - operations / 2);
  std::iota(parts[0].begin(), parts[0].end(), std::size_t{0});
  std::iota(parts[1].begin(), parts[1].end(), operations / 2);
  return parts;
}

using Why = BatchVerdict::Why;
constexpr Why kFileChanged{"file_changed", "the file was changed after it was accepted"};
constexpr Why kKeyExpired{"key_expired",
                          "no answer within 23 hours; an anonymous record cannot be sent again"};
constexpr Why kJobAbandoned{"job_abandoned", "the job did not end within limits.job_timeout"};
constexpr Why kJobVanished{"job_vanished", "the API does not find the job that it made"};
constexpr Why kServerErrors{"no_verdict", "the API kept answering with a server error"};
constexpr Why kFailsWhole{"no_verdict", "its job failed again and again and names no error"};

}  // namespace

Delivery::Delivery(Parts parts)
    : parts_(std::move(parts)), budget_freed_(parts_.loop), sending_(parts_.loop, parts_.sessions + 1) {}

void Delivery::stop() {
  stopping_ = true;
  budget_freed_.notify();
}

boost::asio::awaitable<Result<void>> Delivery::recover() {
  auto question = [](Ledger& ledger) -> Result<std::vector<Batch>> {
    std::vector<Batch> batches;
    const auto visit = [&](BatchRow row) -> Result<void> {
      auto batch = std::make_shared<ActiveBatch>();
      batch->row = std::move(row);
      batch->shares = shares_of(batch->row.manifest);
      for (auto& share : batch->shares)
        share.batch = batch->row.id;
      batches.push_back(std::move(batch));
      return {};
    };
    if (auto read = ledger.open_batches(visit); !read)
      return read.error();
    return batches;
  };
  const auto batches = co_await parts_.ledger.ask(std::move(question));
  if (!batches)
    co_return batches.error();
  for (const auto& batch : *batches) {
    for (const auto& share : batch->shares) {
      const auto number = share.file;
      auto find = [number](Ledger& ledger) { return ledger.file(number); };
      const auto file = co_await parts_.ledger.ask(std::move(find));
      if (!file)
        co_return file.error();
      if (!*file)
        co_return Error{Errc::corrupt,
                        fmt::format("batch {} names file {}, which is unknown", batch->row.id, number)};
      parts_.files.at(parts_.files.open(**file)).progress.found_frozen(share.records);
    }
    for (const auto key : batch->row.users)
      parts_.batcher.order().hold(key);
    for (const auto key : batch->row.seconds)
      parts_.batcher.order().hold(key);
    for (std::uint32_t i = 0; i <= batch->row.abandoned; ++i)
      parts_.budget.take(batch->operations());
    ++in_progress_;
    parts_.tasks.spawn(carry(batch));
  }
  if (!batches->empty())
    parts_.log.info("taking up {} unfinished batches", batches->size());
  co_return Result<void>{};
}

boost::asio::awaitable<void> Delivery::run() {
  while (!stopping_) {
    co_await parts_.batcher.wait_due();
    const auto place_wanted = parts_.batcher.due_operations();
    if (stopping_)
      co_return;
    if (!parts_.budget.admits(place_wanted)) {
      co_await budget_freed_.wait();
      continue;
    }
    co_await sending_.acquire();
    SemaphorePlace place(sending_);
    if (stopping_ || !parts_.batcher.is_due() || !parts_.budget.admits(parts_.batcher.due_operations()))
      continue;
    auto open = parts_.batcher.take();
    parts_.budget.take(open->records());
    ++in_progress_;
    parts_.tasks.spawn(start(std::move(open), std::move(place)));
  }
}

boost::asio::awaitable<void> Delivery::start(std::unique_ptr<OpenBatch> open, SemaphorePlace place) {
  const bool sends_now = !parts_.gate.closed_for(CallKind::post);
  const auto batch = co_await parts_.freezing.freeze(std::move(open), sends_now);
  if (batch == nullptr) {
    --in_progress_;
    co_return;
  }
  const bool submitted = co_await submit(batch);
  place.release();
  if (submitted)
    co_await carry(batch);
}

boost::asio::awaitable<void> Delivery::carry(Batch batch) {
  while (true) {
    const bool goes_on =
        batch->row.state == BatchState::frozen ? co_await submit(batch) : co_await follow(batch);
    if (!goes_on)
      co_return;
  }
}

boost::asio::awaitable<void> Delivery::carry_child(Batch batch) {
  // A half is a batch like any other for the budget: it waits for its place.
  while (!stopping_ && !parts_.budget.admits(batch->operations()))
    co_await budget_freed_.wait();
  if (stopping_)
    co_return;
  parts_.budget.take(batch->operations());
  co_await carry(batch);
}

boost::asio::awaitable<bool> Delivery::submit(Batch batch) {
  const auto result = co_await parts_.submitter.submit(*batch);
  switch (result.end) {
    case SubmitEnd::accepted:
      co_return true;
    case SubmitEnd::halve:
      co_return co_await halve(batch);
    case SubmitEnd::rekey:
      co_return co_await give_key_up(batch, "server_errors", kServerErrors);
    case SubmitEnd::expired:
      co_return co_await give_key_up(batch, "key_expired", kKeyExpired);
    case SubmitEnd::reject:
      co_return co_await end_all(batch, OperationEnd::rejected,
                                 BatchVerdict::Why{result.code, result.message});
    case SubmitEnd::give_up:
      co_return co_await end_all(batch, OperationEnd::unknown, kServerErrors);
    case SubmitEnd::file_changed:
      co_return co_await end_all(batch, OperationEnd::unknown, kFileChanged);
    case SubmitEnd::stopped:
      break;
  }
  co_return false;
}

boost::asio::awaitable<bool> Delivery::follow(Batch batch) {
  const auto seen = co_await parts_.poller.follow(*batch, accepted_at(*batch));
  if (seen.end == JobSeen::End::stopped)
    co_return false;
  if (seen.end == JobSeen::End::vanished)
    co_return co_await job_vanished(batch);
  if (seen.end == JobSeen::End::timed_out)
    co_return co_await end(batch,
                           BatchVerdict::all(batch->operations(), OperationEnd::unknown, "job_abandoned",
                                             "the job did not end within limits.job_timeout"));
  const auto& answer = seen.answer;
  const auto imports = answer.imports_given ? std::optional(answer.imports) : std::nullopt;
  const auto judged = judge(answer.status, imports, answer.errors, batch->operations());
  if (judged == JobEnd::all_imported)
    co_return co_await end(batch, BatchVerdict{});
  if (judged == JobEnd::failed_without_errors)
    co_return co_await job_failed_whole(batch);
  co_return co_await read_verdict(batch, answer);
}

boost::asio::awaitable<bool> Delivery::job_vanished(Batch batch) {
  const auto old_job = batch->row.job;
  const auto answer = co_await parts_.submitter.repost(*batch);
  if (!answer && answer.error().code == Errc::cancelled)
    co_return false;
  if (!answer && answer.error().code != Errc::not_found) {
    // No word either way: the job may still be there the next time.
    co_return true;
  }
  if (!answer || answer->id == old_job)
    co_return co_await end(batch,
                           BatchVerdict::all(batch->operations(), OperationEnd::unknown, "job_vanished",
                                             "the API does not find the job that it made"));
  const auto id = batch->row.id;
  GroupCommit::Change change = [id, job = *answer, now = parts_.timers.now().wall](Ledger& ledger) {
    return ledger.batch_accepted(id, job.id, job.created, now);
  };
  const bool durable = co_await parts_.recorder.record(std::move(change));
  batch->row.job = answer->id;
  co_return durable;
}

boost::asio::awaitable<bool> Delivery::job_failed_whole(Batch batch) {
  parts_.log.warn("batch {}: its job failed and names no error", batch->row.id);
  if (batch->row.tries_without_verdict >= kWholeFailures && !batch->has_anonymous()) {
    if (batch->operations() > 1)
      co_return co_await halve(batch);
    co_return co_await end_all(batch, OperationEnd::unknown, kFailsWhole);
  }
  const auto id = batch->row.id;
  GroupCommit::Change change = [id](Ledger& ledger) { return ledger.count_try_without_verdict(id); };
  const bool durable = co_await parts_.recorder.record(std::move(change));
  if (!durable)
    co_return false;
  ++batch->row.tries_without_verdict;
  co_return co_await give_key_up(batch, "job_failed", kFailsWhole);
}

boost::asio::awaitable<Result<void>> Delivery::add_page(std::shared_ptr<JobVerdict> verdict, Call call,
                                                        ResultPage page) {
  auto shared = std::make_shared<ResultPage>(std::move(page));
  auto work = [verdict, shared, call] {
    return call == Call::errors ? verdict->add_errors(*shared) : verdict->add_imports(*shared);
  };
  co_return co_await parts_.workers.run(std::move(work));
}

boost::asio::awaitable<bool> Delivery::read_verdict(Batch batch, JobAnswer answer) {
  const auto paths = parts_.files.paths(batch->row.manifest, batch->row.id);
  auto verdict = std::make_shared<JobVerdict>(batch->row, parts_.keys,
                                              read_operations(parts_.disk, batch->row.manifest, paths));
  bool all_read = true;
  for (const auto call : {Call::errors, Call::imports}) {
    Poller::OnPage on_page = [this, verdict, call](ResultPage page) {
      return add_page(verdict, call, std::move(page));
    };
    const auto read = co_await parts_.poller.read_pages(batch->row.job, call, std::move(on_page));
    if (read == PagesEnd::stopped)
      co_return false;
    if (read != PagesEnd::complete && call == Call::errors)
      co_return co_await end(batch, verdict_without_errors(answer, batch->operations()));
    all_read = all_read && read == PagesEnd::complete;
    if (verdict->is_complete(answer))
      break;
  }
  if (all_read && verdict->failed_without_errors(answer))
    co_return co_await job_failed_whole(batch);
  co_return co_await end(batch, verdict->verdict(answer));
}

boost::asio::awaitable<bool> Delivery::halve(Batch batch) {
  // A size that the server refused holds for what is packed from now on.
  auto limits = parts_.batcher.limits();
  if (const auto learnt = parts_.submitter.stats().learnt_body_bytes; learnt != 0 && learnt < limits.bytes) {
    limits.bytes = learnt;
    parts_.batcher.configure(limits, parts_.batcher.lookahead());
  }
  const auto children = co_await divide(batch, halves(batch->operations()));
  for (const auto& child : children)
    parts_.tasks.spawn(carry_child(child));
  co_return false;
}

boost::asio::awaitable<bool> Delivery::give_key_up(Batch batch, std::string reason, BatchVerdict::Why why) {
  if (!batch->has_anonymous())
    co_return co_await parts_.submitter.new_key(*batch, reason);
  std::vector<std::vector<std::size_t>> parts(2);
  for (std::size_t i = 0; i < batch->row.users.size(); ++i)
    parts[batch->row.users[i] == 0 ? 1 : 0].push_back(i);
  if (parts[0].empty())
    co_return co_await end_all(batch, OperationEnd::unknown, why);
  // Those with a user go out under a new key; a record without one would make a second user.
  const auto children = co_await divide(batch, std::move(parts));
  if (children.empty())
    co_return false;
  children[0]->row.rekey_reason = reason;
  parts_.tasks.spawn(carry_child(children[0]));
  parts_.budget.take(children[1]->operations());
  co_return co_await end_all(children[1], OperationEnd::unknown, why);
}

boost::asio::awaitable<bool> Delivery::end_all(Batch batch, OperationEnd how, BatchVerdict::Why why) {
  co_return co_await end(batch, BatchVerdict::all(batch->operations(), how, why.code, why.message));
}

boost::asio::awaitable<std::vector<Delivery::Batch>> Delivery::divide(
    Batch batch, std::vector<std::vector<std::size_t>> parts) {
  auto children = co_await parts_.freezing.divide(*batch, std::move(parts));
  if (!children) {
    co_await end_all(batch, OperationEnd::unknown, kFileChanged);
    co_return std::vector<Batch>{};
  }
  if (children->empty())
    co_return *children;
  parts_.log.info("batch {} of {} records divided", batch->row.id, batch->operations());
  give_budget_back(*batch);
  in_progress_ += children->size() - 1;
  co_await remove_merged(*batch);
  co_return *children;
}

BootTime Delivery::accepted_at(const ActiveBatch& batch) const {
  const auto now = parts_.timers.now();
  if (!batch.row.submitted)
    return now.boot;
  // Of a job taken up after a restart only the wall clock knows; it may have jumped.
  const auto age =
      std::clamp<std::chrono::milliseconds>(now.wall - *batch.row.submitted, {}, std::chrono::hours{24});
  return now.boot - age;
}

void Delivery::give_budget_back(const ActiveBatch& batch) {
  for (std::uint32_t i = 0; i <= batch.row.abandoned; ++i)
    parts_.budget.give_back(batch.operations());
  budget_freed_.notify();
}

boost::asio::awaitable<bool> Delivery::end(Batch batch, BatchVerdict verdict) {
  std::unordered_map<FileNumber, SpoolFile> files;
  for (const auto& share : batch->shares) {
    if (const auto* entry = parts_.files.find(share.file))
      files.emplace(share.file, entry->file);
  }
  auto end = std::make_shared<BatchEnd>();
  auto& disk = parts_.disk;
  while (true) {
    auto work = [&disk, &layout = parts_.files.layout(), batch, &verdict, &files,
                 paths = parts_.files.paths(batch->row.manifest, batch->row.id)] {
      return write_batch_end(disk, layout, batch->row, batch->shares, verdict, paths, files);
    };
    auto written = co_await parts_.workers.run(std::move(work));
    if (written) {
      *end = std::move(*written);
      break;
    }
    const bool again = co_await parts_.recorder.wait_for_disk(written.error());
    if (!again)
      co_return false;
  }
  GroupCommit::Change change = [end, id = batch->row.id, now = parts_.timers.now().wall](Ledger& ledger) {
    return ledger.batch_ended(id, end->shares, now, end->manifest ? &*end->manifest : nullptr,
                              end->singles());
  };
  const bool durable = co_await parts_.recorder.record(std::move(change));
  if (!durable)
    co_return false;
  release(*batch, *end);
  co_await remove_merged(*batch);
  co_return false;
}

boost::asio::awaitable<void> Delivery::remove_merged(const ActiveBatch& batch) {
  if (batch.row.manifest.literals.empty())
    co_return;
  auto& disk = parts_.disk;
  auto work = [&disk, path = parts_.files.layout().merged(batch.row.id)] {
    return disk.remove(path).has_value();
  };
  // What stays is swept at the next start.
  co_await parts_.workers.run(std::move(work));
}

void Delivery::release(const ActiveBatch& batch, const BatchEnd& end) {
  for (const auto& user : end.taken_apart) {
    std::vector<QueuedRecord> sources;
    for (const auto& run : user.sources) {
      const auto slot = parts_.files.slot(run.file);
      if (!slot)
        continue;
      QueuedRecord record;
      record.record.user = user.user;
      record.record.offset = run.offset;
      record.record.line = run.line;
      record.record.length = static_cast<std::uint32_t>(run.length);
      record.file = *slot;
      sources.push_back(record);
    }
    parts_.batcher.put_back(user.user, sources);
  }
  for (const auto key : batch.row.users)
    parts_.batcher.release(key);
  for (const auto key : batch.row.seconds)
    parts_.batcher.release(key);
  give_budget_back(batch);
  --in_progress_;
  parts_.batcher.released();
  for (const auto& share : end.shares) {
    if (auto* entry = parts_.files.find(share.file))
      entry->progress.ended(share.outcomes.ended());
    parts_.on_progress(share.file);
  }
}

}  // namespace usherd
