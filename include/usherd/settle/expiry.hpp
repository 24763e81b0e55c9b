#pragma once

#include "usherd/core/units.hpp"
#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace usherd {

/// How long finished files are kept after their end: spool.keep_done and spool.keep_rejected.
struct KeepTimes {
  Milliseconds done{};
  Milliseconds rejected{};
};

/// How far a look at what is due has come in each folder.
struct ExpiryMark {
  Ledger::End done;
  Ledger::End rejected;
};

/// Files of which a folder need not keep anything any more.
struct Expiring {
  std::vector<Ledger::Expired> done;
  std::vector<Ledger::Expired> rejected;
  ExpiryMark reached;  ///< the last of each, also when it is taken out of the group

  [[nodiscard]] bool empty() const { return done.empty() && rejected.empty(); }
};

/// Removes what was kept long enough, then its ledger rows; a file keeps its row until neither folder holds
/// anything of it. For a group: gather on the ledger's thread, remove on a worker, commit on the ledger's
/// thread; to be repeated from what was reached until gather finds nothing. Repeatable after a crash at any
/// point. The files must outlive it.
class Expiry {
 public:
  Expiry(Files& files, SpoolLayout layout) : files_(files), layout_(std::move(layout)) {}

  /// How often to look: so that nothing stays more than a tenth longer than it is to be kept, or a second.
  [[nodiscard]] static Milliseconds pace(KeepTimes keep);
  /// What is due at `now` past `after`, the oldest first, at most `most` of each folder.
  [[nodiscard]] static Result<Expiring> gather(Ledger& ledger, WallTime now, KeepTimes keep, std::size_t most,
                                               const ExpiryMark& after);
  /// Gone already is as good as removed. What cannot be removed leaves the group and keeps none of the
  /// others: `kept` has the first reason.
  [[nodiscard]] Result<void> remove(Expiring& expiring, std::optional<Error>& kept) const;
  /// Inside one transaction.
  [[nodiscard]] static Result<void> commit(Ledger& ledger, const Expiring& expiring);

 private:
  Files& files_;
  SpoolLayout layout_;
};

}  // namespace usherd
