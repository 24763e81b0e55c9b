#pragma once

#include "usherd/batch/fetched_records.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/batch/open_batch.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/ports/files.hpp"

#include <cstdint>
#include <string>
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
/// bytes beyond their first records. Reads the records from disk. Blocking.
[[nodiscard]] Result<std::vector<MergeOutcome>> fold_groups(Files& files, const BodyPaths& paths,
                                                            const std::vector<MergeGroup>& groups,
                                                            std::uint64_t room);

/// Makes a draft's merged records durable, completes its sums and reckons the digest of its body from them.
/// Reads only the records whose sums are not known; `fetched` gets those that are read one by one. Blocking.
/// `paths` must name the batch's file of merged records. Errc::corrupt and not_found: the files are not what
/// was read.
[[nodiscard]] Result<Digest> freeze_body(Files& files, DraftBatch& draft, const BodyPaths& paths,
                                         const std::string& working_directory,
                                         FetchedRecords* fetched = nullptr);

}  // namespace usherd
