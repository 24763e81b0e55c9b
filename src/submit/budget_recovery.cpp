#include "usherd/submit/budget_recovery.hpp"

namespace usherd {

BudgetRecovery::BudgetRecovery(InProgressBudget& budget, Timers& timers)
    : budget_(budget), timers_(timers), alarm_(timers.alarm(WaitFor::budget)) {}

void BudgetRecovery::refused() {
  budget_.refused(timers_.now().boot);
  alarm_->ring();
}

boost::asio::awaitable<void> BudgetRecovery::run(std::function<void()> grown) {
  while (true) {
    const bool due = co_await alarm_->wait_until(budget_.recovers_at().value_or(kNever));
    if (!due)
      continue;
    budget_.recover(timers_.now().boot);
    grown();
  }
}

}  // namespace usherd
