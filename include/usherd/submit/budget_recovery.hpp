#pragma once

#include "usherd/ports/timers.hpp"
#include "usherd/submit/active_batch.hpp"
#include "usherd/submit/in_progress_budget.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace usherd {

/// Tells the budget what becomes of POSTs, and lets it grow back with time where none is accepted; tells
/// those who wait for it. Event loop only; budget and timers must outlive it.
class BudgetRecovery {
 public:
  BudgetRecovery(InProgressBudget& budget, Timers& timers);

  /// The batch goes out, once more if it is still counted as one that does. Nothing without a place.
  void begin_post(ActiveBatch& batch);
  /// It was answered for good, or backs off.
  void end_post(ActiveBatch& batch);
  void accepted(ActiveBatch& batch);
  /// The API answered its POST with 429.
  void refused(const ActiveBatch& batch);
  /// It did again, and that tells nothing of what the organisation holds: others go as if the batch were not
  /// there, but for its place in the limits.
  void set_apart(ActiveBatch& batch);
  /// Its present key is decided, one way or the other.
  void count_in(ActiveBatch& batch);
  /// Until it is cancelled; `changed` is called whenever another batch may fit.
  [[nodiscard]] boost::asio::awaitable<void> run(std::function<void()> changed);

 private:
  InProgressBudget& budget_;
  Timers& timers_;
  std::unique_ptr<Alarm> alarm_;
  std::function<void()> changed_ = [] {};
};

}  // namespace usherd
