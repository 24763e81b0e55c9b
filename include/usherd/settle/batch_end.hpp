#pragma once

#include "usherd/batch/operations.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/settle/batch_verdict.hpp"
#include "usherd/spool/layout.hpp"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace usherd {

/// A user whose merged record was refused: its sources go out one by one.
struct TakenApart {
  std::uint64_t user = 0;
  std::vector<Run> sources;  ///< oldest first
};

/// What the end of a batch changes: ready for Ledger::batch_ended.
struct BatchEnd {
  std::vector<Share> shares;  ///< with outcomes
  /// By place among the verdict's reasons: records as they were read, so that a merged one of unknown end
  /// counts with its sources, and one that is taken apart not yet.
  std::vector<ReasonCounts> reasons;
  std::vector<TakenApart> taken_apart;
  /// Set when merged records were taken apart: the manifest without them.
  std::optional<Manifest> manifest;

  [[nodiscard]] std::vector<Run> singles() const;
};

/// Turns a verdict into outcomes for each file of the batch, and writes the reject lines of its shares into
/// working/, synced. Blocking. Repeatable: files of an earlier try are made anew. `files` names the batch's
/// files by number.
[[nodiscard]] Result<BatchEnd> write_batch_end(Files& disk, const SpoolLayout& layout, const BatchRow& row,
                                               const std::vector<Share>& shares, const BatchVerdict& verdict,
                                               const BodyPaths& paths,
                                               const std::unordered_map<FileNumber, SpoolFile>& files);

}  // namespace usherd
