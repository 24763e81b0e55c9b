#pragma once

#include "usherd/batch/batcher.hpp"
#include "usherd/batch/freezer.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/core/random.hpp"
#include "usherd/ports/workers.hpp"
#include "usherd/submit/active_batch.hpp"
#include "usherd/submit/recorder.hpp"
#include "usherd/submit/submitter.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace usherd {

/// Turns packed records into frozen batches: merges what may be merged, fixes body, length, digest and key,
/// and makes all of it durable. Event loop only; disk work is done by the workers.
class Freezing {
 public:
  struct Parts {
    Batcher& batcher;
    OpenFiles& files;
    Files& disk;
    Workers workers;
    Recorder& recorder;
    Submitter& submitter;
    Timers& timers;
    Random& random;
    bool merge = true;
  };
  Freezing(Parts parts, BatchId last_id) : parts_(std::move(parts)), last_id_(last_id) {}

  /// Before the first batch: removes the merged records of batches that a crash kept from being written down.
  [[nodiscard]] boost::asio::awaitable<void> clear_unborn();
  /// The frozen batch; nothing when we are stopping. `sends_now`: its first byte may leave right after, so
  /// the send time is part of the same commit.
  [[nodiscard]] boost::asio::awaitable<std::shared_ptr<ActiveBatch>> freeze(std::unique_ptr<OpenBatch> open,
                                                                            bool sends_now);
  /// What becomes a batch of its own when another is divided.
  struct Piece {
    std::vector<std::size_t> operations;  ///< by their place in the divided batch
    std::string rekey_reason;             ///< set when they go out again while their old key may have run
  };
  /// Replaces a batch that did not run, or whose key is given up, by one for each piece; their keys are new,
  /// and `estate` is noted with them. Empty when we are stopping; an error when its files changed.
  [[nodiscard]] boost::asio::awaitable<Result<std::vector<std::shared_ptr<ActiveBatch>>>> divide(
      ActiveBatch& batch, std::vector<Piece> pieces, Estate estate);
  void set_merge(bool merge) { parts_.merge = merge; }

 private:
  [[nodiscard]] boost::asio::awaitable<bool> merge(OpenBatch& open, std::vector<MergedRecord>& merged);
  [[nodiscard]] std::vector<MergeGroup> merge_groups(OpenBatch& open,
                                                     std::vector<std::size_t>& positions) const;
  using Drafts = std::vector<std::pair<DraftBatch, Digest>>;
  [[nodiscard]] boost::asio::awaitable<Result<Drafts>> draft_pieces(ActiveBatch& batch,
                                                                    const std::vector<Piece>& pieces,
                                                                    BatchId first_id);
  [[nodiscard]] std::shared_ptr<ActiveBatch> row_of(DraftBatch& draft, BatchId id) const;

  Parts parts_;
  BatchId last_id_;
};

}  // namespace usherd
