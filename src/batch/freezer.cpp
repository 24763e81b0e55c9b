#include "usherd/batch/freezer.hpp"

#include "usherd/batch/merge.hpp"

#include <fmt/format.h>

#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;

/// Reads records of a few files, keeping the last one open: groups of one user mostly stand in one file.
class RecordFetcher {
 public:
  RecordFetcher(Files& files, const BodyPaths& paths) : files_(files), paths_(paths) {}

  Result<std::string> fetch(const Run& place) {
    const auto known = paths_.files.find(place.file);
    if (known == paths_.files.end())
      return Error{Errc::corrupt, fmt::format("file {} is not in working/", place.file)};
    if (file_ == nullptr || place.file != number_) {
      auto opened = files_.open(known->second);
      if (!opened)
        return opened.error();
      file_ = std::move(*opened);
      number_ = place.file;
    }
    std::string bytes(place.length, '\0');
    const auto got = file_->read_at(bytes, place.offset);
    if (!got)
      return got.error();
    if (*got != bytes.size())
      return Error{Errc::corrupt, fmt::format("{} became shorter than when it was accepted", known->second)};
    return bytes;
  }

 private:
  Files& files_;
  const BodyPaths& paths_;
  std::unique_ptr<ReadFile> file_;
  FileNumber number_ = 0;
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

Result<Digest> freeze_body(Files& files, const DraftBatch& draft, const BodyPaths& paths,
                           const std::string& working_directory, std::vector<RecordSum>* sums) {
  if (!draft.merged_bytes.empty()) {
    auto file = files.write(paths.merged, WriteMode::truncate);
    if (!file)
      return file.error();
    if (auto written = (*file)->append(draft.merged_bytes); !written)
      return written.error();
    if (auto synced = (*file)->sync(); !synced)
      return synced.error();
    if (auto synced = files.sync(working_directory); !synced)
      return synced.error();
  }
  BodyReader reader(files, draft.manifest, paths);
  BodyDigest digest;
  SumReckoner reckoner(draft.lengths);
  std::vector<char> chunk(std::min<std::uint64_t>(kChunk, draft.body_length));
  std::uint64_t total = 0;
  while (true) {
    const auto got = reader.read(chunk);
    if (!got)
      return got.error();
    if (*got == 0)
      break;
    digest.update(std::span(chunk.data(), *got));
    if (sums != nullptr)
      reckoner.update(std::span(chunk.data(), *got));
    total += *got;
  }
  if (total != draft.body_length)
    return Error{Errc::corrupt,
                 fmt::format("a body of {} bytes was to be frozen and has {}", draft.body_length, total)};
  if (sums != nullptr)
    *sums = reckoner.take();
  return digest.value();
}

}  // namespace usherd
