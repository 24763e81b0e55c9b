#include "usherd/app/freezing.hpp"

#include "src/app/recheck.hpp"
#include "usherd/batch/operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace usherd {

namespace {

using Indexes = std::vector<std::size_t>;

Error changed_since() {
  return {Errc::corrupt, "the files of the batch are not what was frozen"};
}

std::vector<std::uint32_t> lengths_of(const std::vector<RecordSum>& sums) {
  std::vector<std::uint32_t> lengths;
  lengths.reserve(sums.size());
  for (const auto& sum : sums)
    lengths.push_back(sum.length);
  return lengths;
}

using Part = Freezing::Part;

/// Proves that the whole of a batch is still what its digest says.
Result<void> check_digest(Files& disk, const BatchRow& row, const BodyPaths& paths) {
  const auto digest = body_digest(disk, row, paths);
  if (!digest)
    return digest.error();
  return *digest == row.digest ? Result<void>{} : Result<void>{changed_since()};
}

Result<Operations> find_operations(Files& disk, const ActiveBatch& batch, const BodyPaths& paths) {
  if (!batch.sums.empty())
    return Operations::known(disk, batch.row.manifest, paths, lengths_of(batch.sums));
  if (auto same = check_digest(disk, batch.row, paths); !same)
    return same.error();
  return Operations::find(disk, batch.row.manifest, paths);
}

/// Errc::corrupt when an operation of the part is not what it was.
Result<Part> freeze_part(Files& disk, Operations& operations, const ActiveBatch& batch,
                         const BodyPaths& paths, const std::string& working, const Indexes& indexes) {
  Part part;
  auto draft = draft_part(operations, batch.row, indexes);
  if (!draft)
    return draft.error();
  part.draft = std::move(*draft);
  const auto digest = freeze_body(disk, part.draft, paths, working);
  if (!digest)
    return digest.error();
  part.digest = *digest;
  part.sums = record_sums(part.draft.lengths, part.draft.sums);
  for (std::size_t i = 0; i < indexes.size() && !batch.sums.empty(); ++i) {
    if (part.sums[i] != batch.sums[indexes[i]])
      return changed_since();
  }
  return part;
}

/// Files of a batch that may not be what was read; of converted ones nobody knows.
Result<std::vector<FileNumber>> suspects(Files& disk, const SpoolLayout& layout,
                                         const std::vector<SpoolFile>& files) {
  auto numbers = touched_files(disk, layout, files);
  if (!numbers)
    return numbers;
  for (const auto& file : files) {
    if (file.converted)
      numbers->push_back(file.number);
  }
  return numbers;
}

std::vector<bool> changed_by_file(const Operations& operations, const std::vector<FileNumber>& numbers) {
  const auto is_suspect = [&](const Run& run) {
    return std::find(numbers.begin(), numbers.end(), run.file) != numbers.end();
  };
  std::vector<bool> changed(operations.size(), false);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (!operations.is_merged(i))
      changed[i] = is_suspect(operations.run(i));
    else
      changed[i] =
          std::any_of(operations.literal(i).sources.begin(), operations.literal(i).sources.end(), is_suspect);
  }
  return changed;
}

/// Without sums: the runs of files that nobody touched hold the records that they held.
Result<std::pair<Operations, std::vector<bool>>> apart_by_file(Files& disk, const SpoolLayout& layout,
                                                               const ActiveBatch& batch,
                                                               const BodyPaths& paths,
                                                               const std::vector<SpoolFile>& files) {
  const auto numbers = suspects(disk, layout, files);
  if (!numbers)
    return numbers.error();
  auto operations = Operations::find_except(disk, batch.row.manifest, paths, *numbers);
  if (!operations)
    return operations.error();
  auto changed = changed_by_file(*operations, *numbers);
  return std::pair(std::move(*operations), std::move(changed));
}

struct Halves {
  std::optional<Part> changed;
  std::optional<Part> rest;
};

Result<Halves> freeze_apart(Files& disk, Operations& operations, const std::vector<bool>& changed,
                            const ActiveBatch& batch, const BodyPaths& rest_paths,
                            const std::string& working) {
  Indexes lost;
  Indexes kept;
  for (std::size_t i = 0; i < changed.size(); ++i)
    (changed[i] ? lost : kept).push_back(i);
  // That nothing changed contradicts the digest: then nothing is known.
  if (lost.empty() || kept.empty())
    return changed_since();
  Halves halves;
  halves.changed.emplace();
  halves.changed->draft = draft_changed(operations, batch.row, lost);
  auto rest = freeze_part(disk, operations, batch, rest_paths, working, kept);
  if (!rest)
    return rest.error();
  halves.rest = std::move(*rest);
  return halves;
}

}  // namespace

boost::asio::awaitable<bool> Freezing::replace(BatchId parent, Estate estate,
                                               std::vector<std::shared_ptr<ActiveBatch>> children) {
  GroupCommit::Change change = [parent, estate, children](Ledger& ledger) -> Result<void> {
    for (const auto& child : children) {
      if (auto inserted = ledger.insert_batch(child->row, child->shares); !inserted)
        return inserted;
    }
    return ledger.batch_retired(parent, estate);
  };
  co_return co_await parts_.recorder.record(std::move(change));
}

std::shared_ptr<ActiveBatch> Freezing::child_of(const ActiveBatch& batch, Part& part, BatchId id,
                                                const Estate& estate) const {
  auto child = row_of(part.draft, id);
  child->row.digest = part.digest;
  child->sums = std::move(part.sums);
  child->row.rekey_reason = batch.row.rekey_reason;
  child->row.heir_of = estate.root;
  child->rekeyed_for_errors = batch.rekeyed_for_errors;
  child->is_blamed = batch.is_blamed;
  child->tried = true;
  return child;
}

boost::asio::awaitable<Result<std::vector<Freezing::Part>>> Freezing::freeze_pieces(
    ActiveBatch& batch, const std::vector<Piece>& pieces, BatchId first_id) {
  auto& disk = parts_.disk;
  const auto own_paths = parts_.files.paths(batch.row.manifest, batch.row.id);
  const auto name = fmt::format("batch {}", batch.row.id);
  const auto& layout = parts_.files.layout();
  auto work = [&disk, &batch, &pieces, &layout, own_paths, first_id]() -> Result<std::vector<Part>> {
    auto operations = find_operations(disk, batch, own_paths);
    if (!operations)
      return operations.error();
    std::vector<Part> parts;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      auto paths = own_paths;
      paths.merged = layout.merged(first_id + i);
      auto part = freeze_part(disk, *operations, batch, paths, layout.working(), pieces[i].operations);
      if (!part)
        return part.error();
      parts.push_back(std::move(*part));
    }
    return parts;
  };
  while (true) {
    auto parts = co_await parts_.workers.run(work);
    if (parts || is_gone(parts.error())) {
      parts_.recorder.note_moving(name);
      co_return parts;
    }
    const bool again = co_await parts_.recorder.wait_for_one(name, parts.error(), Purpose::finish);
    if (!again)
      co_return Error{Errc::cancelled, "stopping"};
  }
}

boost::asio::awaitable<Result<std::vector<std::shared_ptr<ActiveBatch>>>> Freezing::divide(
    ActiveBatch& batch, std::vector<Piece> pieces, Estate estate) {
  std::vector<std::shared_ptr<ActiveBatch>> children;
  const auto first_id = last_id_ + 1;
  last_id_ += pieces.size();
  auto parts = co_await freeze_pieces(batch, pieces, first_id);
  if (!parts && parts.error().code == Errc::cancelled)
    co_return children;
  if (!parts)
    co_return parts.error();
  for (std::size_t i = 0; i < parts->size(); ++i) {
    auto child = child_of(batch, (*parts)[i], first_id + i, estate);
    if (!pieces[i].rekey_reason.empty())
      child->row.rekey_reason = pieces[i].rekey_reason;
    children.push_back(std::move(child));
  }
  const bool durable = co_await replace(batch.row.id, std::move(estate), children);
  if (!durable)
    children.clear();
  co_return children;
}

boost::asio::awaitable<Result<Freezing::Apart>> Freezing::set_apart(ActiveBatch& batch, Estate estate) {
  const auto rest_id = last_id_ + 1;
  last_id_ += 2;
  auto& disk = parts_.disk;
  const auto& layout = parts_.files.layout();
  const auto own_paths = parts_.files.paths(batch.row.manifest, batch.row.id);
  auto rest_paths = own_paths;
  rest_paths.merged = layout.merged(rest_id);
  const auto files = files_of(batch.row.manifest);
  const auto name = fmt::format("batch {}", batch.row.id);
  auto work = [&disk, &batch, &layout, &files, own_paths, rest_paths]() -> Result<Halves> {
    if (batch.sums.empty()) {
      auto apart = apart_by_file(disk, layout, batch, own_paths, files);
      if (!apart)
        return apart.error();
      return freeze_apart(disk, apart->first, apart->second, batch, rest_paths, layout.working());
    }
    auto operations = Operations::known(disk, batch.row.manifest, own_paths, lengths_of(batch.sums));
    const auto changed = find_changed(operations, batch.sums);
    if (!changed)
      return changed.error();
    return freeze_apart(disk, operations, *changed, batch, rest_paths, layout.working());
  };
  while (true) {
    auto halves = co_await parts_.workers.run(work);
    if (halves || is_gone(halves.error()))
      parts_.recorder.note_moving(name);
    if (halves) {
      Apart apart;
      apart.rest = child_of(batch, *halves->rest, rest_id, estate);
      apart.changed = child_of(batch, *halves->changed, rest_id + 1, estate);
      std::vector<std::shared_ptr<ActiveBatch>> children{apart.rest, apart.changed};
      const bool durable = co_await replace(batch.row.id, std::move(estate), std::move(children));
      apart.stopped = !durable;
      co_return apart;
    }
    if (is_gone(halves.error()))
      co_return halves.error();
    const bool again = co_await parts_.recorder.wait_for_one(name, halves.error(), Purpose::finish);
    if (!again) {
      Apart stopped;
      stopped.stopped = true;
      co_return stopped;
    }
  }
}

}  // namespace usherd
