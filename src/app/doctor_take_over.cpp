#include "src/app/doctor_survey.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/settle/batch_end.hpp"
#include "usherd/settle/published_end.hpp"
#include "usherd/settle/settlement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

namespace usherd {
namespace {

/// One open batch of a file that ended elsewhere, and what becomes of it.
struct BatchFate {
  BatchId id = 0;
  bool retired = false;  ///< it was divided or given another number: its files tell of other batches
  std::vector<Share> shares;
  WallTime finished{};
};

class TakeOver {
 public:
  TakeOver(Files& disk, const SpoolLayout& layout, Ledger& ledger)
      : disk_(disk), layout_(layout), ledger_(ledger), paths_(layout) {}

  Result<void> run(FileNumber number) {
    const auto open = all_open_files(ledger_);
    if (!open)
      return open.error();
    for (const auto& file : *open) {
      paths_.open(file);
      open_.emplace(file.number, file);
    }
    const auto file = open_.find(number);
    if (file == open_.end())
      return Error{Errc::not_found, fmt::format("file {} is not open in the ledger", number)};
    const auto* end = end_of(number);
    if (end == nullptr)
      return failure_
                 ? *failure_
                 : Error{Errc::not_found, fmt::format("file {} has neither receipt nor refusal", number)};
    if (auto found = find_batches(number); !found)
      return found;
    const auto done = ledger_.transaction([&] { return commit(file->second, *end); });
    return done ? clean(file->second) : done;
  }

 private:
  /// Null where it has not ended, or where that cannot be told (failure_).
  const PublishedEnd* end_of(FileNumber number) {
    const auto known = ends_.find(number);
    if (known != ends_.end())
      return known->second ? &*known->second : nullptr;
    const auto file = open_.find(number);
    if (file == open_.end())
      return nullptr;
    auto end = read_published_end(disk_, layout_, file->second);
    if (!end) {
      failure_ = end.error();
      return nullptr;
    }
    const auto& kept = ends_.emplace(number, std::move(*end)).first->second;
    return kept ? &*kept : nullptr;
  }

  Result<void> find_batches(FileNumber number) {
    return ledger_.open_batches([&](const BatchRow& row) -> Result<void> {
      const auto shares = shares_of(row.manifest);
      if (std::none_of(shares.begin(), shares.end(), [&](const Share& s) { return s.file == number; }))
        return {};
      auto fate = fate_of(row, shares);
      if (!fate)
        return fate.error();
      fates_.push_back(std::move(*fate));
      return {};
    });
  }

  Result<BatchFate> fate_of(const BatchRow& row, std::vector<Share> shares) {
    BatchFate fate;
    fate.id = row.id;
    bool all_ended = true;
    std::map<FileNumber, ReceiptBatch> told;
    for (auto& share : shares) {
      share.batch = row.id;
      const auto* end = end_of(share.file);
      if (failure_)
        return *failure_;
      all_ended = all_ended && end != nullptr;
      if (end == nullptr)
        continue;
      // The batch had ended by then, and more precisely nobody needs it.
      fate.finished = std::max(fate.finished, end->finished);
      const auto line = std::find_if(end->batches.begin(), end->batches.end(),
                                     [&](const ReceiptBatch& batch) { return batch.batch == row.id; });
      if (line != end->batches.end())
        told.emplace(share.file, *line);
    }
    fate.retired = all_ended && told.empty();
    if (fate.retired)
      return fate;
    // The API was asked long ago, and whoever knew its answer is gone.
    const auto verdict = BatchVerdict::all(row.manifest.operations(), OperationEnd::unknown, "no_verdict",
                                           "the state was put back from before the end of this batch");
    auto ended = write_batch_end(disk_, layout_, row, shares, verdict, paths_now(row), open_);
    if (!ended)
      return ended.error();
    fate.shares = std::move(ended->shares);
    for (auto& share : fate.shares) {
      if (const auto line = told.find(share.file); line != told.end()) {
        share.records = line->second.share.records;
        share.outcomes = line->second.share.outcomes;
      }
      if (end_of(share.file) != nullptr)
        share.has_rejects = false;
    }
    return fate;
  }

  /// The records of the others are found by where those of the ended ones stand.
  [[nodiscard]] BodyPaths paths_now(const BatchRow& row) {
    auto paths = paths_.paths(row.manifest, row.id);
    for (const auto& share : shares_of(row.manifest)) {
      const auto file = open_.find(share.file);
      if (file != open_.end() && !file->second.converted && end_of(share.file) != nullptr)
        paths.files.put(share.file, layout_.done() + "/" + file->second.name);
    }
    return paths;
  }

  Result<void> commit(const SpoolFile& file, const PublishedEnd& end) {
    for (const auto& fate : fates_) {
      auto ended = fate.retired ? ledger_.batch_retired(fate.id)
                                : ledger_.batch_ended(fate.id, fate.shares, fate.finished, nullptr, {});
      if (!ended)
        return ended;
    }
    const auto singles = ledger_.singles_of(file.number, 0);
    if (!singles)
      return singles.error();
    for (const auto& run : *singles) {
      if (auto gone = ledger_.single_frozen(run.file, run.offset); !gone)
        return gone;
    }
    Result<void> moved;
    if (end.refused)
      moved = ledger_.file_refused(file.number, end.code, end.message);
    else if (file.state == FileState::accepted)
      moved = ledger_.file_ready(file.number, false, file.size);
    if (moved)
      moved = ledger_.file_settled(file.number, end.records, end.outcomes, end.finished);
    const auto last = ledger_.last_file_number();
    if (!moved || !last)
      return moved ? Result<void>(last.error()) : moved;
    return ledger_.history_lost(*last);
  }

  /// Reject lines stand in rejected/ already, for this file and for all that ended with it.
  Result<void> clean(const SpoolFile& file) {
    Settlement settlement(disk_, layout_);
    Ending ending;
    ending.file = file;
    const auto listed = ledger_.receipt_batches(file.number, [&](ReceiptBatch batch) -> Result<void> {
      batch.share.has_rejects = true;
      ending.batches.push_back(std::move(batch));
      return {};
    });
    return listed ? settlement.clean(ending) : listed;
  }

  Files& disk_;
  const SpoolLayout& layout_;
  Ledger& ledger_;
  OpenFiles paths_;
  std::unordered_map<FileNumber, SpoolFile> open_;
  std::map<FileNumber, std::optional<PublishedEnd>> ends_;
  std::optional<Error> failure_;
  std::vector<BatchFate> fates_;
};

}  // namespace

Result<void> take_end_over(Files& disk, const SpoolLayout& layout, Ledger& ledger, FileNumber number) {
  return TakeOver(disk, layout, ledger).run(number);
}

}  // namespace usherd
