#include "usherd/submit/budget_recovery.hpp"

namespace usherd {

BudgetRecovery::BudgetRecovery(InProgressBudget& budget, Timers& timers)
    : budget_(budget), timers_(timers), alarm_(timers.alarm(WaitFor::budget)) {}

void BudgetRecovery::begin_post(ActiveBatch& batch) {
  if (!batch.has_place || batch.is_posting || batch.is_set_apart)
    return;
  budget_.begin_post(batch.operations());
  batch.is_posting = true;
}

void BudgetRecovery::end_post(ActiveBatch& batch) {
  if (!batch.is_posting)
    return;
  budget_.end_post(batch.operations());
  batch.is_posting = false;
  if (budget_.recovers_at())
    changed_();
}

void BudgetRecovery::accepted(ActiveBatch& batch) {
  end_post(batch);
  count_in(batch);
  const bool shrunken = budget_.recovers_at().has_value();
  budget_.accepted(batch.operations(), timers_.now().boot);
  if (shrunken)
    changed_();
}

void BudgetRecovery::refused(const ActiveBatch& batch) {
  budget_.refused(batch.operations(), timers_.now().boot);
  alarm_->ring();
}

void BudgetRecovery::set_apart(ActiveBatch& batch) {
  if (!batch.has_place || batch.is_set_apart)
    return;
  end_post(batch);
  budget_.set_apart(batch.operations());
  batch.is_set_apart = true;
  changed_();
}

void BudgetRecovery::count_in(ActiveBatch& batch) {
  if (batch.is_set_apart)
    budget_.count_in(batch.operations());
  batch.is_set_apart = false;
}

boost::asio::awaitable<void> BudgetRecovery::run(std::function<void()> changed) {
  changed_ = std::move(changed);
  while (true) {
    const bool due = co_await alarm_->wait_until(budget_.recovers_at().value_or(kNever));
    if (!due)
      continue;
    budget_.recover(timers_.now().boot);
    changed_();
  }
}

}  // namespace usherd
