#pragma once

#include "usherd/batch/batcher.hpp"
#include "usherd/batch/freezer.hpp"
#include "usherd/batch/kept_body.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/core/random.hpp"
#include "usherd/ports/semaphore.hpp"
#include "usherd/ports/workers.hpp"
#include "usherd/submit/active_batch.hpp"
#include "usherd/submit/recorder.hpp"
#include "usherd/submit/submitter.hpp"
#include "usherd/validate/record.hpp"
#include "usherd/validate/user_keys.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace usherd {

/// Turns packed records into frozen batches: merges what may be merged, fixes body, length, digest and key,
/// and makes all of it durable. Event loop only; disk work is done by the workers.
class Freezing {
 public:
  struct Parts {
    boost::asio::any_io_executor loop;
    Batcher& batcher;
    OpenFiles& files;
    Files& disk;
    Workers workers;
    Recorder& recorder;
    Submitter& submitter;
    Timers& timers;
    Random& random;
    RecordRules rules;
    const UserKeys& keys;
    bool merge = true;
  };
  Freezing(Parts parts, BatchId last_id)
      : parts_(std::move(parts)), last_id_(last_id), merging_(parts_.loop, 1) {}

  /// Before the first batch: removes the merged records of batches that a crash kept from being written down.
  [[nodiscard]] boost::asio::awaitable<void> clear_unborn();
  /// Called each time a batch has to wait as its files cannot be read for now; true once it stands aside.
  using StepAside = std::function<bool()>;
  /// The frozen batch; nothing when we are stopping. `sends_now`: unless it stood aside its first byte may
  /// leave right after, so the send time is part of the same commit.
  [[nodiscard]] boost::asio::awaitable<std::shared_ptr<ActiveBatch>> freeze(std::unique_ptr<OpenBatch> open,
                                                                            bool sends_now,
                                                                            StepAside step_aside);
  /// What becomes a batch of its own when another is divided.
  struct Piece {
    std::vector<std::size_t> operations;  ///< by their place in the divided batch
    std::string rekey_reason;             ///< set when they go out again while their old key may have run
  };
  /// Replaces a batch that did not run, or whose key is given up, by one for each piece; their keys are new,
  /// and `estate` is noted with them. Empty when we are stopping; an error when its files changed.
  [[nodiscard]] boost::asio::awaitable<Result<std::vector<std::shared_ptr<ActiveBatch>>>> divide(
      ActiveBatch& batch, std::vector<Piece> pieces, Estate estate);

  /// What becomes of a batch whose files are not what was frozen; neither is null.
  struct Apart {
    std::shared_ptr<ActiveBatch> changed;  ///< never to be sent
    std::shared_ptr<ActiveBatch> rest;     ///< frozen anew, under a new key
    bool stopped = false;                  ///< we are stopping, and nothing of it is durable
  };
  /// Replaces a batch that never ran by one of the operations that changed and one of the others. Told by the
  /// operations' sums while there are any, else by file: one whose times are not those of its acceptance.
  /// Errc::corrupt when no operation can be trusted.
  [[nodiscard]] boost::asio::awaitable<Result<Apart>> set_apart(ActiveBatch& batch, Estate estate);
  /// What the row of a batch is made of, be it packed or cut from another: its body is fixed.
  struct Part {
    DraftBatch draft;
    Digest digest{};  ///< zero where the files are not what was read
    std::vector<RecordSum> sums;
    std::vector<KeptBlock> blocks;   ///< in which its records stand, where they stayed in memory
    std::unique_ptr<KeptBody> kept;  ///< made of these
    bool stood_aside = false;
  };
  /// No more is merged; what is being frozen may finish.
  void stop() { stopping_ = true; }
  void set_merge(bool merge) { parts_.merge = merge; }
  void set_rules(RecordRules rules) { parts_.rules = rules; }

 private:
  /// Held while the lines of a large merge are in memory: for all batches there is room for one.
  using MergePlace = std::optional<SemaphorePlace>;
  /// Takes from `open` what could be folded with records that wait behind it.
  [[nodiscard]] boost::asio::awaitable<MergePlace> merge(OpenBatch& open, std::vector<MergedRecord>& merged);
  [[nodiscard]] boost::asio::awaitable<void> fold(OpenBatch& open, std::vector<MergeGroup> groups,
                                                  const std::vector<std::size_t>& positions,
                                                  std::vector<MergedRecord>& merged);
  [[nodiscard]] std::vector<MergeGroup> merge_groups(OpenBatch& open,
                                                     std::vector<std::size_t>& positions) const;
  /// `changed`: records known not to be what was read; `place` is given up once what was merged is durable.
  /// Nothing when we are stopping.
  [[nodiscard]] boost::asio::awaitable<std::optional<Part>> freeze_whole(Part packed, BatchId id,
                                                                         std::vector<Run> changed,
                                                                         MergePlace place,
                                                                         StepAside step_aside);
  [[nodiscard]] boost::asio::awaitable<Result<std::vector<Part>>> freeze_pieces(
      ActiveBatch& batch, const std::vector<Piece>& pieces, BatchId first_id);
  /// Inserts the children and retires their parent. False when we are stopping.
  [[nodiscard]] boost::asio::awaitable<bool> replace(BatchId parent, Estate estate,
                                                     std::vector<std::shared_ptr<ActiveBatch>> children);
  [[nodiscard]] std::shared_ptr<ActiveBatch> child_of(const ActiveBatch& batch, Part& part, BatchId id,
                                                      const Estate& estate) const;
  [[nodiscard]] std::vector<SpoolFile> files_of(const Manifest& manifest) const;
  [[nodiscard]] std::shared_ptr<ActiveBatch> row_of(DraftBatch& draft, BatchId id) const;

  Parts parts_;
  BatchId last_id_;
  Semaphore merging_;
  std::size_t stalled_merges_ = 0;  ///< whose lines the disk does not take for now
  bool stopping_ = false;
};

}  // namespace usherd
