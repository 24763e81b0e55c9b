#pragma once

#include "usherd/batch/batcher.hpp"
#include "usherd/ports/event.hpp"
#include "usherd/submit/active_batch.hpp"
#include "usherd/submit/in_progress_budget.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace usherd {

/// What batches in progress hold: a place in the budget each, and their users. An abandoned key keeps the
/// place it had; when its batch is divided it keeps that, and the users, until the last of the batches that
/// took over has ended. Batches without a place wait in line, ahead of new ones; those that a batch was
/// divided into go before all others, so that few are under way in part. Event loop only.
class Places {
 public:
  Places(const boost::asio::any_io_executor& loop, InProgressBudget& budget, Batcher& batcher);

  // New batches.
  [[nodiscard]] bool admits_new(std::uint64_t operations) const;
  /// Before the batch is frozen; whoever freezes it sets its has_place.
  void take_new(std::uint64_t operations) { budget_.take(operations); }
  /// One that cannot be frozen for now gives its place back, so that it holds up nobody but its users. False
  /// when what stands aside already takes enough memory: then it keeps its place.
  [[nodiscard]] bool step_aside(std::uint64_t operations);
  /// The same of one that is frozen, and of which nothing could be sent.
  [[nodiscard]] bool step_aside(ActiveBatch& batch);
  /// It stands aside no more, and has no place.
  void step_back(std::uint64_t operations);
  static constexpr std::size_t kMostAside = 64;
  static constexpr std::uint64_t kMostOperationsAside = 262'144;
  /// Waits until something was given back or the limits changed.
  [[nodiscard]] boost::asio::awaitable<void> wait_change() { return changed_.wait(); }
  void changed();
  void stop();

  // Found in the ledger at start.
  void recover(Estate estate);
  /// What may have been sent is in progress; what was not waits in line like any other.
  void recover(ActiveBatch& batch);

  // A batch's life.
  /// Waits for its turn and counts it in; false: we are stopping, or a limit fell below its size.
  [[nodiscard]] boost::asio::awaitable<bool> wait_in_line(ActiveBatch& batch);
  void give_way(ActiveBatch& batch);
  /// One that draws errors while keys hold all other places: whoever waits in line goes before it is tried
  /// again, behind them, and so may tell whether it is to blame. Its key may run: what it holds of the limits
  /// it keeps.
  void stand_back(ActiveBatch& batch);
  /// False: we are stopping.
  [[nodiscard]] boost::asio::awaitable<bool> step_forward(ActiveBatch& batch);
  /// What a batch's keys go on holding when it is divided now; the root is 0 when that is nothing.
  [[nodiscard]] static Estate estate_of(const ActiveBatch& batch, bool key_may_run);
  /// It was divided into `heirs` batches, which are yet without a place: their ActiveBatch::ahead.
  std::int64_t divided(ActiveBatch& batch, const Estate& estate, std::size_t heirs);
  /// Its end is durable: its place, its keys and its users are free, unless its family still holds them.
  void ended(ActiveBatch& batch);

  [[nodiscard]] std::size_t waiting() const { return line_.size(); }
  /// Of the divided batches whose abandoned keys hold places the one that was frozen first: its family.
  [[nodiscard]] std::optional<BatchId> eldest_with_keys() const;

 private:
  struct Family {
    Estate estate;
    std::size_t heirs = 0;  ///< that have not ended
  };
  [[nodiscard]] bool has_room_aside(std::uint64_t operations) const;
  void release_users(const std::vector<std::uint64_t>& users);
  void end_post(ActiveBatch& batch);
  void leave_family(const ActiveBatch& batch);
  /// Something was given back, which the first in line and a new batch may want.
  void given_back();

  boost::asio::any_io_executor loop_;
  InProgressBudget& budget_;
  Batcher& batcher_;
  Event changed_;
  /// Each with an event of its own, as only the first may go: by ActiveBatch::ahead, then by when they came.
  using Line = std::map<std::pair<std::int64_t, std::uint64_t>, Event>;
  class Waiter;
  Line line_;
  std::uint64_t came_ = 0;
  std::int64_t ahead_ = 0;  ///< of those that the last division left
  std::size_t aside_ = 0;
  std::uint64_t operations_aside_ = 0;
  std::unordered_map<BatchId, Family> families_;  ///< by the root of the estate
  bool stopping_ = false;
};

}  // namespace usherd
