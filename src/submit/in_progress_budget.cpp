#include "usherd/submit/in_progress_budget.hpp"

#include <algorithm>
#include <cassert>

namespace usherd {
namespace {

/// What a refused POST leaves of what was in progress when it came.
constexpr double kShrink = 0.85;
/// Part of the whole limit that an accepted POST gives back.
constexpr double kGrow = 0.005;
constexpr auto kRecovery = std::chrono::minutes{1};

}  // namespace

InProgressBudget::InProgressBudget(std::uint32_t batches, std::uint64_t operations)
    : limit_batches_(batches), limit_operations_(operations) {}

void InProgressBudget::configure(std::uint32_t batches, std::uint64_t operations) {
  limit_batches_ = batches;
  limit_operations_ = operations;
}

std::uint32_t InProgressBudget::usable_batches() const {
  return std::max(1U, static_cast<std::uint32_t>(share_ * limit_batches_ + 1e-9));
}

std::uint64_t InProgressBudget::usable_operations() const {
  return std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(share_ * static_cast<double>(limit_operations_) + 1e-6));
}

bool InProgressBudget::admits(std::uint64_t operations) const {
  if (batches_ == 0)
    return true;
  return batches_ < usable_batches() && operations_ + operations <= usable_operations();
}

bool InProgressBudget::admits_in_line(std::uint64_t operations) const {
  return batches_ == keys_ || admits(operations);
}

bool InProgressBudget::must_give_way(std::uint64_t operations) const {
  // One that is larger than all of a lowered limit is cut anew before it goes.
  if (operations > 1 && operations > limit_operations_)
    return true;
  return batches_ - keys_ > 1 && (batches_ > usable_batches() || operations_ > usable_operations());
}

void InProgressBudget::take(std::uint64_t operations) {
  ++batches_;
  operations_ += operations;
}

void InProgressBudget::give_back(std::uint64_t operations) {
  assert(batches_ > keys_ && operations_ >= operations);
  --batches_;
  operations_ -= operations;
}

void InProgressBudget::leave_to_key() {
  assert(batches_ > keys_);
  ++keys_;
}

void InProgressBudget::take_keys(std::uint32_t keys, std::uint64_t operations) {
  batches_ += keys;
  keys_ += keys;
  operations_ += operations;
}

void InProgressBudget::give_keys_back(std::uint32_t keys, std::uint64_t operations) {
  assert(keys_ >= keys && operations_ >= operations);
  batches_ -= keys;
  keys_ -= keys;
  operations_ -= operations;
}

void InProgressBudget::refused(BootTime now) {
  last_step_ = now;
  const double by_batches = static_cast<double>(batches_) / limit_batches_;
  const double by_operations = static_cast<double>(operations_) / static_cast<double>(limit_operations_);
  // Shrinks from what is in use, never from what might be: a refusal at 30 of 90 says that 30 were too many.
  share_ = std::min(share_, std::min(1.0, std::max(by_batches, by_operations)) * kShrink);
}

void InProgressBudget::accepted() {
  share_ = std::min(1.0, share_ + kGrow);
}

std::optional<BootTime> InProgressBudget::recovers_at() const {
  if (share_ >= 1)
    return std::nullopt;
  return last_step_ + kRecovery;
}

void InProgressBudget::recover(BootTime now) {
  const auto due = recovers_at();
  if (!due || now < *due)
    return;
  last_step_ = now;
  share_ = std::min(1.0, (usable_batches() + 1.0) / limit_batches_);
}

}  // namespace usherd
