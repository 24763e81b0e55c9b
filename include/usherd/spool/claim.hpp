#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/ports/workers.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/spool/left_file.hpp"
#include "usherd/spool/numbers.hpp"
#include "usherd/spool/settle_watch.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace usherd {

struct ClaimReport {
  std::size_t files = 0;  ///< accepted: durable under their numbers
  std::uint64_t bytes = 0;
  std::vector<LeftFile> left;
  std::vector<SeenFile> changed;  ///< of those left: they changed while they were taken
  std::optional<Error>
      stopped;  ///< the disk or the ledger; what was not reached stands in incoming/ as before
};

struct AdoptReport {
  std::size_t adopted = 0;  ///< files that a crash had left in working/ without a row
  std::uint64_t bytes = 0;  ///< of these
  std::size_t removed = 0;  ///< derived files that belong to nothing any more
};

/// Takes files from incoming/ into working/ and the ledger, a group at a time: bytes synced in parallel, one
/// rename each, one sync a folder and one commit a group. Files that were moved but whose commit failed are
/// kept in mind and come first next time; after a crash adopt() finds them. Event loop only, one call at a
/// time; all it is given must outlive it and the workers' last job.
class Claimer {
 public:
  static constexpr std::size_t kMostGroup = 1000;

  /// `last_batch` is the highest batch of earlier runs: what is left of those alone is cleared away.
  Claimer(SpoolLayout layout, Files& files, Timers& timers, Workers workers, GroupCommit& commits,
          BatchId last_batch);

  /// At start, before the first take(): gives a row to every accepted file that has none, in order of number,
  /// and removes leftovers. May be repeated after an error.
  [[nodiscard]] boost::asio::awaitable<Result<AdoptReport>> adopt();

  /// Takes at most kMostGroup files, which get their numbers in order of drop and name.
  [[nodiscard]] boost::asio::awaitable<ClaimReport> take(std::vector<SeenFile> group);

  /// Commits what an earlier take() could move but not commit.
  [[nodiscard]] boost::asio::awaitable<ClaimReport> finish();
  /// Brings what the spool remembers of the numbers up to date, as each claim does by half. `for_good` syncs
  /// it: nothing is taken any more. What fails is left to the next time.
  [[nodiscard]] boost::asio::awaitable<void> remember(bool for_good);
  [[nodiscard]] bool is_unfinished() const { return moved_ != nullptr || !adopted_; }

  struct Group;

 private:
  [[nodiscard]] boost::asio::awaitable<Result<void>> move(std::shared_ptr<Group> group);
  [[nodiscard]] boost::asio::awaitable<Result<void>> commit(std::shared_ptr<Group> group);
  /// Adds to the report; false when there is nothing to adopt.
  [[nodiscard]] boost::asio::awaitable<Result<bool>> adopt_group(AdoptReport& report);
  /// Once, before any number is given.
  [[nodiscard]] boost::asio::awaitable<Result<void>> recall();

  SpoolLayout layout_;
  Files& files_;
  Timers& timers_;
  Workers workers_;
  GroupCommit& commits_;
  BatchId last_batch_;
  FileNumber last_number_ = 0;         ///< the highest ever given; known once adopt() succeeded
  std::optional<Numbers> remembered_;  ///< by the spool, as far as is known
  FileNumber committed_ = 0;           ///< the highest that the ledger holds
  bool adopted_ = false;
  std::shared_ptr<Group> moved_;
};

}  // namespace usherd
