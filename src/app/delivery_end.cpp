#include "src/app/end_reasons.hpp"
#include "usherd/app/delivery.hpp"
#include "usherd/core/log_event.hpp"

#include <fmt/format.h>

namespace usherd {

namespace {

/// What nobody can tell of a batch, with the first reason for it.
struct UnknownPart {
  std::size_t operations = 0;
  Reason reason;
};

UnknownPart unknown_part(const BatchVerdict& verdict) {
  UnknownPart part;
  for (const auto& entry : verdict.entries) {
    if (entry.end != OperationEnd::unknown)
      continue;
    if (part.operations++ == 0)
      part.reason = verdict.reasons[entry.reason];
  }
  return part;
}

}  // namespace

boost::asio::awaitable<bool> Delivery::end_all(Batch batch, OperationEnd how, BatchVerdict::Why why) {
  auto verdict = BatchVerdict::all(batch->operations(), how, why.code, why.message);
  co_return co_await end(batch, std::move(verdict));
}

boost::asio::awaitable<bool> Delivery::end(Batch batch, BatchVerdict verdict) {
  const auto unknown = unknown_part(verdict);
  const bool ended = co_await write_end(batch, std::move(verdict));
  const auto& why = unknown.reason;
  // A changed file was told of when it was found out.
  if (!ended || unknown.operations == 0 || why.code == kFileChanged.code)
    co_return false;
  const auto all = batch->operations();
  const auto which = unknown.operations == all
                         ? std::string("its records")
                         : fmt::format("{} of its {} operations", unknown.operations, all);
  log_event(parts_.log, LogLevel::warning, {LogEvent::none, {}, batch->row.id, batch->row.job, why.code},
            "batch {}: {} end unknown ({}): {}", batch->row.id, which, why.code, why.message);
  co_return false;
}

boost::asio::awaitable<bool> Delivery::write_end(Batch batch, BatchVerdict verdict) {
  batch->is_ending = true;
  std::unordered_map<FileNumber, SpoolFile> files;
  for (const auto& share : batch->shares) {
    if (const auto* entry = parts_.files.find(share.file))
      files.emplace(share.file, entry->file);
  }
  auto end = std::make_shared<BatchEnd>();
  const auto name = fmt::format("batch {}", batch->row.id);
  auto& disk = parts_.disk;
  auto work = [&disk, &layout = parts_.files.layout(), batch, &verdict, &files,
               paths = parts_.files.paths(batch->shares, batch->row.id)] {
    return write_batch_end(disk, layout, batch->whole_row(), batch->shares, verdict, paths, files);
  };
  while (true) {
    auto written = co_await parts_.workers.run(work);
    if (written) {
      parts_.recorder.note_moving(name);
      *end = std::move(*written);
      break;
    }
    const bool again = co_await parts_.recorder.wait_for_one(name, written.error(), Purpose::finish);
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
  // First, so that a drain whose last batch this was does not end with the file still there.
  co_await remove_merged(batch);
  Outcomes outcomes;
  for (const auto& share : end->shares)
    outcomes += share.outcomes;
  parts_.tally.batch_ended(verdict.reasons, end->reasons, outcomes, parts_.timers.now());
  release(*batch, *end);
  co_return true;
}

boost::asio::awaitable<void> Delivery::remove_merged(Batch batch) {
  if (batch->merged_records() == 0)
    co_return;
  auto& disk = parts_.disk;
  auto work = [&disk, path = parts_.files.layout().merged(batch->row.id)] {
    return disk.remove(path).has_value();
  };
  // What stays is swept at the next start.
  co_await parts_.workers.run(std::move(work));
}

void Delivery::put_back(const TakenApart& user) {
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

void Delivery::release(ActiveBatch& batch, const BatchEnd& end) {
  for (const auto& user : end.taken_apart)
    put_back(user);
  batch.row.state = BatchState::ended;
  places_.ended(batch);
  parts_.submitter.ended(batch);
  active_.erase(batch.row.id);
  parts_.batcher.released();
  for (const auto& share : end.shares) {
    ended_records_ += share.outcomes.ended();
    if (auto* entry = parts_.files.find(share.file))
      entry->progress.ended(share.outcomes.ended());
    parts_.on_progress(share.file);
  }
}

}  // namespace usherd
