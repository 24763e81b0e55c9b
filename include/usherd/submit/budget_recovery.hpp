#pragma once

#include "usherd/ports/timers.hpp"
#include "usherd/submit/in_progress_budget.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace usherd {

/// Tells the budget of refusals, and lets it grow back with time where no accepted POST does. Event loop
/// only; budget and timers must outlive it.
class BudgetRecovery {
 public:
  BudgetRecovery(InProgressBudget& budget, Timers& timers);

  /// The API answered a POST with 429.
  void refused();
  /// Until it is cancelled; `grown` is called after each step back.
  [[nodiscard]] boost::asio::awaitable<void> run(std::function<void()> grown);

 private:
  InProgressBudget& budget_;
  Timers& timers_;
  std::unique_ptr<Alarm> alarm_;
};

}  // namespace usherd
