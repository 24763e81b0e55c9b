#pragma once

#include "usherd/batch/fetched_records.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/batch/merge.hpp"
#include "usherd/batch/open_batch.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/ports/files.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace usherd {

/// A user's record in a batch and those that wait behind it: what merging may fold into one.
struct MergeGroup {
  std::vector<QueuedRecord> records;  ///< oldest first
  std::vector<Run> places;            ///< the same records with their file numbers
};

/// How a group was folded: into one line from its first `taken` records; 0 when nothing could be folded.
struct MergeOutcome {
  std::size_t taken = 0;
  std::string line;
};

/// Folds each group as far as the end state stays the same, and all of them together by no more than `room`
/// bytes beyond their first records. Reads the records from disk, a slice of them at a time: a slow disk
/// takes minutes for all.
class GroupFolder {
 public:
  static constexpr std::size_t kSliceRecords = 1024;
  static constexpr std::uint64_t kSliceBytes = 4 << 20;

  GroupFolder(std::vector<MergeGroup> groups, std::uint64_t room) : groups_(std::move(groups)), room_(room) {}

  /// Folds the next slice in. Blocking. After an error it is where it was.
  [[nodiscard]] Result<void> step(Files& files, const BodyPaths& paths);
  [[nodiscard]] bool is_done() const { return group_ == groups_.size(); }
  [[nodiscard]] std::vector<MergeGroup>& groups() { return groups_; }
  /// Of the groups in their order, as far as it has come.
  [[nodiscard]] std::vector<MergeOutcome>& outcomes() { return outcomes_; }

 private:
  [[nodiscard]] std::vector<Run> next_slice() const;
  void end_group();

  std::vector<MergeGroup> groups_;
  std::uint64_t room_;
  std::size_t group_ = 0;  // which is being folded
  std::size_t place_ = 0;  // of its next record
  RecordMerger merger_;
  std::vector<MergeOutcome> outcomes_;
};

/// Makes a draft's merged records durable, completes its sums and reckons the digest of its body from them.
/// Reads only the records whose sums are not known; `fetched` gets those that are read one by one. Blocking.
/// `paths` must name the batch's file of merged records. Errc::corrupt and not_found: the files are not what
/// was read.
[[nodiscard]] Result<Digest> freeze_body(Files& files, DraftBatch& draft, const BodyPaths& paths,
                                         const std::string& working_directory,
                                         FetchedRecords* fetched = nullptr);

}  // namespace usherd
