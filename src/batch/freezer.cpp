#include "usherd/batch/freezer.hpp"

#include "usherd/batch/body_digest.hpp"
#include "usherd/batch/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
/// Where less than one in so many sums is missing, their records are read one by one.
constexpr std::size_t kFew = 16;

/// Reads records, a few files open at a time: those of one user mostly stand in the same ones as those of the
/// next.
class RecordFetcher {
 public:
  RecordFetcher(Files& files, const BodyPaths& paths) : files_(files), paths_(paths) {}

  Result<std::string> fetch(const Run& place) {
    const auto file = open(place.file);
    if (!file)
      return file.error();
    std::string bytes(place.length, '\0');
    const auto got = (*file)->read_at(bytes, place.offset);
    if (!got)
      return got.error();
    if (*got != bytes.size())
      return Error{Errc::corrupt, fmt::format("{} became shorter than when it was accepted",
                                              *paths_.files.find(place.file))};
    return bytes;
  }

 private:
  static constexpr std::size_t kMostOpen = 16;

  Result<ReadFile*> open(FileNumber number) {
    if (const auto held = open_.find(number); held != open_.end())
      return held->second.get();
    const auto known = paths_.files.find(number);
    if (!known)
      return Error{Errc::corrupt, fmt::format("file {} is not in working/", number)};
    auto opened = files_.open(*known);
    if (!opened)
      return opened.error();
    if (open_.size() == kMostOpen)
      open_.clear();
    return open_.emplace(number, std::move(*opened)).first->second.get();
  }

  Files& files_;
  const BodyPaths& paths_;
  std::unordered_map<FileNumber, std::unique_ptr<ReadFile>> open_;
};

Result<MergeOutcome> fold(RecordFetcher& fetcher, const MergeGroup& group) {
  RecordMerger merger;
  for (const auto& place : group.places) {
    const auto bytes = fetcher.fetch(place);
    if (!bytes)
      return bytes.error();
    if (!merger.add(*bytes))
      break;
  }
  MergeOutcome outcome;
  if (merger.count() > 1) {
    outcome.taken = merger.count();
    outcome.line = merger.line();
  }
  return outcome;
}

Result<void> write_merged(Files& files, const DraftBatch& draft, const BodyPaths& paths,
                          const std::string& working_directory) {
  if (draft.merged_bytes.empty())
    return {};
  auto file = files.write(paths.merged, WriteMode::truncate);
  if (!file)
    return file.error();
  if (auto written = (*file)->append(draft.merged_bytes); !written)
    return written;
  if (auto synced = (*file)->sync(); !synced)
    return synced;
  return files.sync(working_directory);
}

/// Reads the records whose sums are not known, one by one. Those of merged ones are.
Result<void> sum_missing(Files& files, DraftBatch& draft, const BodyPaths& paths, FetchedRecords* fetched) {
  RecordFetcher fetcher(files, paths);
  std::size_t at = 0;
  for (const auto& run : draft.manifest.runs) {
    auto offset = run.offset;
    for (std::uint64_t i = 0; i < run.records; ++i, ++at) {
      const auto length = draft.lengths[at];
      if (draft.sums[at] == 0) {
        const auto bytes = fetcher.fetch({run.file, offset, length, run.line + i, 1});
        if (!bytes)
          return bytes.error();
        draft.sums[at] = record_sum(*bytes);
        if (fetched != nullptr)
          fetched->add(at, *bytes);
      }
      offset += length + 1;
    }
  }
  return {};
}

/// Reads the whole body. Sums that are known already stay: they are those of the bytes that were checked.
Result<void> sum_all(Files& files, DraftBatch& draft, const BodyPaths& paths) {
  std::vector<std::uint64_t> sums;
  sums.reserve(draft.sums.size());
  const auto manifest = draft.manifest.encode();
  BodyReader reader(files, manifest, paths, kFramingVersion, &sums);
  std::vector<char> chunk(std::min<std::uint64_t>(kChunk, draft.body_length));
  std::uint64_t total = 0;
  while (true) {
    const auto got = reader.read(chunk);
    if (!got)
      return got.error();
    if (*got == 0)
      break;
    total += *got;
  }
  if (total != draft.body_length || sums.size() != draft.sums.size())
    return Error{Errc::corrupt,
                 fmt::format("a body of {} bytes in {} records was to be frozen and has {} in {}",
                             draft.body_length, draft.sums.size(), total, sums.size())};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (draft.sums[i] == 0)
      draft.sums[i] = sums[i];
  }
  return {};
}

}  // namespace

Result<std::vector<MergeOutcome>> fold_groups(Files& files, const BodyPaths& paths,
                                              const std::vector<MergeGroup>& groups, std::uint64_t room) {
  RecordFetcher fetcher(files, paths);
  std::vector<MergeOutcome> outcomes;
  outcomes.reserve(groups.size());
  for (const auto& group : groups) {
    auto outcome = fold(fetcher, group);
    if (!outcome)
      return outcome.error();
    const std::uint64_t before = group.records.front().record.length;
    const std::uint64_t growth = outcome->line.size() > before ? outcome->line.size() - before : 0;
    if (growth > room)
      *outcome = MergeOutcome{};
    else
      room -= growth;
    outcomes.push_back(std::move(*outcome));
  }
  return outcomes;
}

Result<Digest> freeze_body(Files& files, DraftBatch& draft, const BodyPaths& paths,
                           const std::string& working_directory, FetchedRecords* fetched) {
  if (auto written = write_merged(files, draft, paths, working_directory); !written)
    return written.error();
  const auto unknown = std::count(draft.sums.begin(), draft.sums.end(), 0U);
  if (unknown > 0) {
    const bool few = static_cast<std::size_t>(unknown) < draft.sums.size() / kFew;
    const auto summed = few ? sum_missing(files, draft, paths, fetched) : sum_all(files, draft, paths);
    if (!summed)
      return summed.error();
  }
  BodyDigest digest;
  for (const auto sum : draft.sums)
    digest.add(sum);
  return digest.value();
}

}  // namespace usherd
