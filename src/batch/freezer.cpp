#include "usherd/batch/freezer.hpp"

#include "usherd/batch/body_digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>
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

/// The records at these places; read in the order in which they stand on the disk.
Result<std::vector<std::string>> fetch_all(Files& files, const BodyPaths& paths,
                                           const std::vector<Run>& places) {
  std::vector<std::size_t> order(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(places[a].file, places[a].offset) < std::tie(places[b].file, places[b].offset);
  });
  RecordFetcher fetcher(files, paths);
  std::vector<std::string> records(places.size());
  for (const auto i : order) {
    auto bytes = fetcher.fetch(places[i]);
    if (!bytes)
      return bytes.error();
    records[i] = std::move(*bytes);
  }
  return records;
}

Result<void> write_merged(Files& files, DraftBatch& draft, const BodyPaths& paths,
                          const std::string& working_directory) {
  if (draft.merged_bytes.empty() || draft.merged_stands)
    return {};
  auto file = files.write(paths.merged, WriteMode::truncate);
  if (!file)
    return file.error();
  if (auto written = (*file)->append(draft.merged_bytes); !written)
    return written;
  if (auto synced = (*file)->sync(); !synced)
    return synced;
  auto named = files.sync(working_directory);
  draft.merged_stands = named.has_value();
  return named;
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

std::vector<Run> GroupFolder::next_slice() const {
  std::vector<Run> places;
  std::uint64_t bytes = 0;
  auto place = place_;
  for (auto group = group_; group < groups_.size(); ++group, place = 0) {
    for (const auto& all = groups_[group].places; place < all.size(); ++place) {
      if (places.size() == kSliceRecords || bytes >= kSliceBytes)
        return places;
      places.push_back(all[place]);
      bytes += all[place].length;
    }
  }
  return places;
}

Result<void> GroupFolder::step(Files& files, const BodyPaths& paths) {
  const auto records = fetch_all(files, paths, next_slice());
  if (!records)
    return records.error();
  for (std::size_t next = 0; next < records->size();) {
    const auto end = next + std::min(groups_[group_].places.size() - place_, records->size() - next);
    place_ += end - next;
    bool fits = true;
    for (; fits && next < end; ++next)
      fits = merger_.add((*records)[next]);
    next = end;
    if (!fits || place_ == groups_[group_].places.size())
      end_group();
  }
  return {};
}

void GroupFolder::end_group() {
  MergeOutcome outcome;
  if (merger_.count() > 1) {
    outcome.taken = merger_.count();
    outcome.line = merger_.line();
  }
  const std::uint64_t before = groups_[group_].records.front().record.length;
  const std::uint64_t growth = outcome.line.size() > before ? outcome.line.size() - before : 0;
  if (growth > room_)
    outcome = MergeOutcome{};
  else
    room_ -= growth;
  outcomes_.push_back(std::move(outcome));
  merger_ = RecordMerger{};
  ++group_;
  place_ = 0;
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
