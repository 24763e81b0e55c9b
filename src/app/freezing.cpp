#include "usherd/app/freezing.hpp"

#include "src/app/recheck.hpp"
#include "usherd/batch/operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <unordered_set>

namespace usherd {
namespace {

/// Records of one user folded into one at a time, and of all users together in one batch; their bytes.
constexpr std::size_t kMergeMost = 4096;
constexpr std::size_t kMergeTotal = 65'536;
constexpr std::uint64_t kMergeBytes = 64 << 20;
/// A merge of fewer bytes needs no room of its own.
constexpr std::uint64_t kSmallMerge = 256 << 10;

/// Counts itself while it lives.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  std::size_t& count_;
};

std::uint64_t bytes_of(const std::vector<MergeGroup>& groups) {
  std::uint64_t bytes = 0;
  for (const auto& group : groups) {
    for (const auto& place : group.places)
      bytes += place.length;
  }
  return bytes;
}

Manifest manifest_of(const std::vector<MergeGroup>& groups) {
  Manifest named;
  for (const auto& group : groups)
    named.runs.insert(named.runs.end(), group.places.begin(), group.places.end());
  return named;
}

Run place_of(const QueuedRecord& record, const std::vector<FileNumber>& numbers) {
  return {numbers[record.file], record.record.offset, record.record.length, record.record.line, 1};
}

/// Which operations of a draft stand at one of these places.
std::vector<bool> operations_at(Files& disk, const DraftBatch& draft, const BodyPaths& paths,
                                const std::vector<Run>& places) {
  const auto operations = Operations::known(disk, draft.manifest, paths, draft.lengths);
  std::vector<bool> found(operations.size(), false);
  for (std::size_t i = 0; i < operations.size() && !operations.is_merged(i); ++i) {
    const auto& run = operations.run(i);
    found[i] = std::any_of(places.begin(), places.end(), [&](const Run& place) {
      return place.file == run.file && place.offset == run.offset;
    });
  }
  return found;
}

/// Freezes a draft. Records that are not what was read, and those `known` to have changed, lose their sums
/// and the batch its digest: it will not be sent before they are set apart. `trusted`: whether there are none
/// of these.
Result<Digest> freeze_checked(Files& disk, const SpoolLayout& layout, DraftBatch& draft,
                              const BodyPaths& paths, const std::vector<SpoolFile>& files,
                              const std::vector<Run>& known, const std::function<BlockReader()>& make_reader,
                              std::vector<RecordSum>& sums, FetchedRecords& fetched, bool& trusted) {
  auto digest = freeze_body(disk, draft, paths, layout.working(), &fetched);
  if (!digest)
    return digest;
  sums = record_sums(draft.lengths, draft.sums);
  const auto touched = touched_files(disk, layout, files);
  if (!touched)
    return touched.error();
  trusted = known.empty() && touched->empty();
  if (trusted)
    return digest;
  auto changed = operations_at(disk, draft, paths, known);
  if (!touched->empty()) {
    auto reader = make_reader();
    const auto checked = recheck(disk, draft, paths, *touched, reader);
    if (!checked)
      return checked.error();
    std::transform(changed.begin(), changed.end(), checked->begin(), changed.begin(), std::logical_or<>());
  }
  for (std::size_t i = 0; i < changed.size(); ++i) {
    if (!changed[i])
      continue;
    sums[i].sum = ~sums[i].sum;
    *digest = Digest{};
  }
  return digest;
}

bool is_mergeable(const QueuedRecord& record) {
  return (record.record.flags & kMergeable) != 0;
}

}  // namespace

boost::asio::awaitable<void> Freezing::clear_unborn() {
  auto& disk = parts_.disk;
  auto work = [&disk, working = parts_.files.layout().working(), last = last_id_] {
    std::vector<std::string> unborn;
    const auto visit = [&](std::string_view name) {
      const auto derived = SpoolLayout::parse_derived_name(name);
      if (derived.of == 'b' && derived.number > last)
        unborn.emplace_back(name);
      return true;
    };
    bool cleared = disk.list(working, visit).has_value();
    for (const auto& name : unborn)
      cleared = disk.remove(fmt::format("{}/{}", working, name)).has_value() && cleared;
    return cleared;
  };
  // What stays is overwritten by the batch that gets its number, or swept at a later start.
  co_await parts_.workers.run(std::move(work));
}

std::vector<MergeGroup> Freezing::merge_groups(OpenBatch& open, std::vector<std::size_t>& positions) const {
  std::vector<MergeGroup> groups;
  const std::unordered_set<std::uint64_t> wanted(open.merge_candidates().begin(),
                                                 open.merge_candidates().end());
  if (wanted.empty())
    return groups;
  const auto& packed = open.packed();
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < packed.size(); ++i) {
    if ((packed.flags(i) & kMergeable) != 0 && wanted.contains(packed.user(i)))
      candidates.push_back(i);
  }
  auto& order = parts_.batcher.order();
  const auto firsts = packed.at(candidates);
  std::size_t total = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < firsts.size() && total < kMergeTotal && bytes < kMergeBytes; ++i) {
    const auto& first = firsts[i];
    MergeGroup group;
    group.records.push_back(first);
    bytes += first.record.length;
    for (const auto& next : order.waiting_behind(first.record.user, kMergeMost)) {
      if (!is_mergeable(next) || bytes >= kMergeBytes)
        break;
      group.records.push_back(next);
      bytes += next.record.length;
    }
    if (group.records.size() < 2)
      continue;
    for (const auto& record : group.records)
      group.places.push_back(place_of(record, parts_.files.numbers()));
    total += group.records.size();
    positions.push_back(candidates[i]);
    groups.push_back(std::move(group));
  }
  return groups;
}

boost::asio::awaitable<Freezing::MergePlace> Freezing::merge(OpenBatch& open,
                                                             std::vector<MergedRecord>& merged) {
  MergePlace place;
  if (!parts_.merge)
    co_return place;
  std::vector<std::size_t> positions;
  auto groups = merge_groups(open, positions);
  if (bytes_of(groups) > kSmallMerge) {
    // They are many: found again once it is this one's turn.
    std::vector<MergeGroup>().swap(groups);
    co_await merging_.acquire();
    place.emplace(merging_);
    positions.clear();
    if (stalled_merges_ == 0)
      groups = merge_groups(open, positions);
  }
  if (!groups.empty() && !stopping_)
    co_await fold(open, std::move(groups), positions, merged);
  if (merged.empty())
    place.reset();
  co_return place;
}

boost::asio::awaitable<void> Freezing::fold(OpenBatch& open, std::vector<MergeGroup> groups,
                                            const std::vector<std::size_t>& positions,
                                            std::vector<MergedRecord>& merged) {
  const auto most = parts_.batcher.limits().bytes;
  const auto room = most > open.body_bytes() ? most - open.body_bytes() : 0;
  const auto paths = parts_.files.paths(manifest_of(groups), 0);
  const auto files = files_of(manifest_of(groups));
  auto& disk = parts_.disk;
  const auto folder = std::make_shared<GroupFolder>(std::move(groups), room);
  while (!folder->is_done()) {
    auto work = [&disk, folder, paths, files, &layout = parts_.files.layout()] {
      // What was written to since it was checked cannot be trusted to be folded.
      const auto touched = touched_files(disk, layout, files);
      return touched && touched->empty() && folder->step(disk, paths);
    };
    const bool goes_on = co_await parts_.workers.run(std::move(work));
    // A merge is a convenience: where the disk says no, the records wait for their turn one by one.
    if (!goes_on || stopping_)
      co_return;
  }
  std::vector<std::size_t> gone;
  for (std::size_t i = 0; i < folder->groups().size(); ++i) {
    MergeOutcome& outcome = folder->outcomes()[i];
    if (outcome.taken < 2)
      continue;
    MergeGroup& group = folder->groups()[i];
    group.records.resize(outcome.taken);
    const auto user = group.records.front().record.user;
    parts_.batcher.order().drop_waiting(user, outcome.taken - 1);
    merged.push_back(MergedRecord{user, std::move(group.records), std::move(outcome.line)});
    gone.push_back(positions[i]);
  }
  open.packed().remove(gone);
  parts_.batcher.released();
}

std::vector<SpoolFile> Freezing::files_of(const Manifest& manifest) const {
  std::vector<SpoolFile> files;
  for (const auto& share : shares_of(manifest)) {
    if (const auto* entry = parts_.files.find(share.file))
      files.push_back(entry->file);
  }
  return files;
}

std::shared_ptr<ActiveBatch> Freezing::row_of(DraftBatch& draft, BatchId id) const {
  auto batch = std::make_shared<ActiveBatch>();
  batch->row.id = id;
  batch->row.key = parts_.random.uuid();
  batch->row.body_length = draft.body_length;
  batch->row.manifest = std::move(draft.manifest);
  batch->row.users = std::move(draft.users);
  batch->row.seconds = std::move(draft.seconds);
  batch->row.created = parts_.timers.now().wall;
  batch->shares = std::move(draft.shares);
  for (auto& share : batch->shares)
    share.batch = id;
  return batch;
}

boost::asio::awaitable<std::optional<Freezing::Part>> Freezing::freeze_whole(Part packed, BatchId id,
                                                                             std::vector<Run> changed,
                                                                             MergePlace place,
                                                                             StepAside step_aside) {
  std::optional<Counted> stalled;
  auto part = std::make_shared<Part>(std::move(packed));
  const auto paths = parts_.files.paths(part->draft.manifest, id);
  const auto name = fmt::format("batch {}", id);
  auto& disk = parts_.disk;
  const std::function<BlockReader()> make_reader = [rules = parts_.rules, &keys = parts_.keys] {
    return BlockReader(rules, keys);
  };
  while (true) {
    auto work = [&disk, part, paths, make_reader, changed, files = files_of(part->draft.manifest),
                 &layout = parts_.files.layout()] {
      bool trusted = false;
      FetchedRecords fetched;
      auto digest = freeze_checked(disk, layout, part->draft, paths, files, changed, make_reader, part->sums,
                                   fetched, trusted);
      if (digest && trusted && !part->blocks.empty()) {
        auto is_current = [&disk, &layout, files] {
          const auto touched = touched_files(disk, layout, files);
          return touched && touched->empty();
        };
        part->kept =
            KeptBody::of(disk, part->draft, paths, std::move(part->blocks), std::move(is_current), fetched);
      }
      part->blocks.clear();
      if (part->draft.merged_stands)
        std::string().swap(part->draft.merged_bytes);
      return digest;
    };
    const auto frozen = co_await parts_.workers.run(std::move(work));
    if (frozen)
      part->digest = *frozen;
    // A file that is not what was read: the batch is written down all the same and its sending will notice.
    if (frozen || is_gone(frozen.error())) {
      parts_.recorder.note_moving(name);
      co_return std::move(*part);
    }
    if (Recorder::is_of_one(frozen.error()))
      part->stood_aside = step_aside();
    // The others need not wait for what this one waits for; while it keeps its lines they merge nothing.
    if (place && !part->draft.merged_bytes.empty())
      stalled.emplace(stalled_merges_);
    place.reset();
    const bool again = co_await parts_.recorder.wait_for_one(name, frozen.error(), Purpose::begin);
    if (!again)
      co_return std::nullopt;
  }
}

boost::asio::awaitable<std::shared_ptr<ActiveBatch>> Freezing::freeze(std::unique_ptr<OpenBatch> open,
                                                                      bool sends_now, StepAside step_aside) {
  std::vector<MergedRecord> merged;
  auto place = co_await merge(*open, merged);
  std::vector<Run> singles;
  std::vector<Run> changed;
  if (open->has_singles()) {
    for (const auto& record : open->packed().all()) {
      if ((record.record.flags & kSingle) != 0)
        singles.push_back(place_of(record, parts_.files.numbers()));
      if ((record.record.flags & kChanged) != 0)
        changed.push_back(singles.back());
    }
  }
  Part packed;
  packed.draft = build_manifest(open->packed(), std::move(merged), parts_.files.numbers());
  for (auto& [file, block] : open->take_kept())
    packed.blocks.push_back({parts_.files.numbers()[file], std::move(block)});
  open.reset();
  const auto id = ++last_id_;
  auto part = co_await freeze_whole(std::move(packed), id, std::move(changed), std::move(place),
                                    std::move(step_aside));
  if (!part)
    co_return nullptr;
  auto batch = row_of(part->draft, id);
  batch->row.digest = part->digest;
  batch->sums = std::move(part->sums);
  batch->kept = std::move(part->kept);
  if (sends_now && !part->stood_aside)
    batch->row.sent = parts_.submitter.send_time();
  GroupCommit::Change change = [batch, singles](Ledger& ledger) -> Result<void> {
    for (const auto& run : singles) {
      if (auto gone = ledger.single_frozen(run.file, run.offset); !gone)
        return gone;
    }
    return ledger.insert_batch(batch->row, batch->shares);
  };
  const bool durable = co_await parts_.recorder.record(std::move(change), Purpose::begin);
  if (!durable)
    co_return nullptr;
  parts_.files.frozen(batch->row.manifest, part->draft.lengths, singles);
  // The batch was frozen just now: no try under its key can have been made before.
  batch->tried = true;
  co_return batch;
}

}  // namespace usherd
