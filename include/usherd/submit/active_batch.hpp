#pragma once

#include "usherd/batch/kept_body.hpp"
#include "usherd/batch/record_sums.hpp"
#include "usherd/core/backoff.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/submit/post_policy.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace usherd {

/// A frozen batch while it is on its way: its ledger row and what only this process knows of it.
struct ActiveBatch {
  BatchRow row;
  std::vector<Share> shares;
  KeyHistory history;
  unsigned rekeyed_for_errors = 0;  ///< keys given up because of plain 500s
  bool is_blamed = false;           ///< one of them drew these while others passed
  /// How many POSTs had been accepted when the present key drew its first 500, or when a batch that drew them
  /// was divided into this one.
  std::optional<std::uint64_t> accepted_at_first_error;
  /// The same of its first stored 401.
  std::optional<std::uint64_t> accepted_at_first_replay;
  /// Of its operations, while this process froze it and it was not accepted; else empty.
  std::vector<RecordSum> sums;
  std::unique_ptr<KeptBody> kept;  ///< for its first try, where its records stayed in memory
  std::string packed;              ///< row.manifest, once it was folded up
  std::size_t packed_merged = 0;   ///< its merged records
  bool tried = false;              ///< whatever was sent under the present key was sent by this process
  bool begun = false;              ///< an exchange was begun under it in this process
  bool has_place = false;          ///< it is counted into the budget
  std::int64_t ahead = 0;          ///< while it waits for one, it goes before those with more
  bool is_posting = false;         ///< it is counted there as one whose POST has not ended
  bool is_set_apart = false;       ///< it is counted there, and takes nothing of what is used of the limits
  bool is_ending = false;          ///< its end or division is being written: nobody else may decide about it
  bool is_abandoned = false;       ///< the operator gave its job up: who follows it lets go
  bool reads_results = false;      ///< its job has ended
  bool is_unreadable = false;      ///< the disk did not give its body at the last try
  /// How long until the disk is asked for its body again, where nothing of it was sent.
  Backoff unread{Milliseconds(500), Milliseconds(60'000)};

  [[nodiscard]] std::uint64_t operations() const { return row.users.size(); }
  /// The batch whose abandoned keys hold their places until this one, too, has ended.
  [[nodiscard]] BatchId family() const { return row.heir_of == 0 ? row.id : row.heir_of; }
  [[nodiscard]] std::size_t merged_records() const;
  /// Folds row.manifest up while nobody needs it: with records of busy users it is most of what a batch
  /// takes, and a job may last for hours.
  void pack();
  /// Makes row.manifest whole again. Both on the event loop only.
  void unpack();
  /// Where its records stand, and the row with that: copies, for a worker, whatever is done to the batch
  /// meanwhile.
  [[nodiscard]] Manifest whole_manifest() const;
  [[nodiscard]] BatchRow whole_row() const;
  [[nodiscard]] bool has_anonymous() const;
  /// Nothing went out under the present key, whatever send time was noted in advance. Only once its
  /// submission began.
  [[nodiscard]] bool never_sent() const { return !begun && !history.unanswered; }
  /// The same at any time: nothing that this process did not see may have been sent either.
  [[nodiscard]] bool surely_never_sent() const {
    return row.state == BatchState::frozen && never_sent() && (tried || !row.sent);
  }
};

}  // namespace usherd
