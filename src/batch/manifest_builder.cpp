#include "usherd/batch/manifest_builder.hpp"

#include "usherd/batch/open_batch.hpp"
#include "usherd/validate/record.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace usherd {
namespace {

Run run_of(const QueuedRecord& record, FileNumber number) {
  return {number, record.record.offset, record.record.length, record.record.line, 1};
}

}  // namespace

DraftBatch build_manifest(PackedRecords& records, std::vector<MergedRecord> merged,
                          const std::vector<FileNumber>& numbers) {
  auto sorted = records.take_sorted(numbers);
  DraftBatch draft;
  draft.manifest.runs = std::move(sorted.runs);
  draft.users = std::move(sorted.users);
  draft.seconds = std::move(sorted.seconds);
  draft.lengths = std::move(sorted.lengths);
  draft.sums = std::move(sorted.sums);
  std::size_t merged_size = 0;
  for (const auto& record : merged)
    merged_size += record.line.size() + 1;
  draft.merged_bytes.reserve(merged_size);
  for (auto& record : merged) {
    Literal literal{draft.merged_bytes.size(), record.line.size(), {}};
    for (const auto& source : record.sources)
      literal.sources.push_back(run_of(source, numbers[source.file]));
    draft.merged_bytes += record.line;
    draft.merged_bytes += '\n';
    draft.manifest.literals.push_back(std::move(literal));
    draft.users.push_back(record.user);
    draft.lengths.push_back(static_cast<std::uint32_t>(record.line.size()));
    draft.sums.push_back(record_sum(record.line));
    // Together they may be as large as a body: there is no room for it twice.
    std::string().swap(record.line);
  }
  if (!draft.seconds.empty())
    draft.seconds.resize(draft.users.size());
  draft.shares = shares_of(draft.manifest);
  draft.body_length = body_length(draft.manifest);
  return draft;
}

std::vector<Share> shares_of(const Manifest& manifest) {
  std::map<FileNumber, Share> by_file;
  const auto add = [&](const Run& run) {
    Share& share = by_file[run.file];
    share.file = run.file;
    share.end_offset = std::max(share.end_offset, run.offset + run.length);
    share.records += run.records;
  };
  for (const auto& run : manifest.runs)
    add(run);
  for (const auto& literal : manifest.literals) {
    for (const auto& source : literal.sources)
      add(source);
  }
  std::vector<Share> shares;
  shares.reserve(by_file.size());
  for (auto& [number, share] : by_file)
    shares.push_back(share);
  return shares;
}

std::uint64_t body_length(const Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const auto& run : manifest.runs)
    bytes += run.length + 1;
  for (const auto& literal : manifest.literals)
    bytes += literal.length + 1;
  return bytes == 0 ? kFramingBytes : bytes - 1 + kFramingBytes;
}

}  // namespace usherd
