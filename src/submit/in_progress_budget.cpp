#include "usherd/submit/in_progress_budget.hpp"

#include <algorithm>
#include <cassert>

namespace usherd {

InProgressBudget::InProgressBudget(std::uint32_t batches, std::uint64_t operations)
    : limit_batches_(batches), limit_operations_(operations) {}

void InProgressBudget::configure(std::uint32_t batches, std::uint64_t operations) {
  limit_batches_ = batches;
  limit_operations_ = operations;
}

std::uint32_t InProgressBudget::usable_batches() const {
  return std::max(1U, static_cast<std::uint32_t>(level_.usable() * limit_batches_ + 1e-9));
}

std::uint64_t InProgressBudget::usable_operations() const {
  return std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(level_.usable() * static_cast<double>(limit_operations_) + 1e-6));
}

bool InProgressBudget::admits(std::uint64_t operations) const {
  if (batches_ == 0)
    return true;
  if (batches_ >= limit_batches_ || operations_ + operations > limit_operations_)
    return false;
  // Nothing else is in progress: whatever is usable, one batch is.
  if (batches_ == apart_)
    return true;
  return is_usable(batches_ + 1, operations_ + operations) && !has_too_many_posts(posts_ + 1);
}

bool InProgressBudget::is_usable(std::uint32_t batches, std::uint64_t operations) const {
  return batches - apart_ <= usable_batches() && operations - apart_operations_ <= usable_operations();
}

bool InProgressBudget::has_too_many_posts(std::uint32_t posts) const {
  return !level_.is_whole() && posts > level_.posts(held());
}

double InProgressBudget::part(std::uint64_t batches, std::uint64_t operations) const {
  return std::max(static_cast<double>(batches) / limit_batches_,
                  static_cast<double>(operations) / static_cast<double>(limit_operations_));
}

double InProgressBudget::held() const {
  return part(batches_ - posts_ - apart_, operations_ - post_operations_ - apart_operations_);
}

bool InProgressBudget::admits_in_line(std::uint64_t operations) const {
  return batches_ == keys_ + back_ || admits(operations);
}

void InProgressBudget::stand_back() {
  assert(batches_ > keys_ + back_);
  ++back_;
}

bool InProgressBudget::admits_back() const {
  if (batches_ == keys_ + back_)
    return true;
  return batches_ <= limit_batches_ && operations_ <= limit_operations_ && is_usable(batches_, operations_) &&
         !has_too_many_posts(posts_ + 1);
}

void InProgressBudget::step_forward(std::uint64_t operations) {
  assert(back_ > 0);
  --back_;
  begin_post(operations);
}

bool InProgressBudget::must_give_way(std::uint64_t operations) const {
  // One that is larger than all of a lowered limit is cut anew before it goes.
  if (operations > 1 && operations > limit_operations_)
    return true;
  if (batches_ - keys_ - back_ <= 1)
    return false;
  if (batches_ > limit_batches_ || operations_ > limit_operations_)
    return true;
  return batches_ - keys_ - back_ - apart_ > 1 &&
         (!is_usable(batches_, operations_) || has_too_many_posts(posts_));
}

void InProgressBudget::take(std::uint64_t operations) {
  ++batches_;
  operations_ += operations;
  begin_post(operations);
}

void InProgressBudget::begin_post(std::uint64_t operations) {
  ++posts_;
  post_operations_ += operations;
}

void InProgressBudget::end_post(std::uint64_t operations) {
  assert(posts_ > 0 && post_operations_ >= operations);
  --posts_;
  post_operations_ -= operations;
}

void InProgressBudget::set_apart(std::uint64_t operations) {
  ++apart_;
  apart_operations_ += operations;
  assert(keys_ + posts_ + apart_ <= batches_);
}

void InProgressBudget::count_in(std::uint64_t operations) {
  assert(apart_ > 0 && apart_operations_ >= operations);
  --apart_;
  apart_operations_ -= operations;
}

void InProgressBudget::give_back(std::uint64_t operations) {
  assert(batches_ > keys_ && operations_ >= operations);
  --batches_;
  operations_ -= operations;
}

void InProgressBudget::leave_to_key(std::uint64_t operations) {
  assert(batches_ > keys_);
  ++keys_;
  key_operations_ += operations;
}

bool InProgressBudget::is_half_keys() const {
  return 2 * keys_ >= limit_batches_ || 2 * key_operations_ >= limit_operations_;
}

void InProgressBudget::take_keys(std::uint32_t keys, std::uint64_t operations) {
  batches_ += keys;
  keys_ += keys;
  operations_ += operations;
  key_operations_ += operations;
}

void InProgressBudget::give_keys_back(std::uint32_t keys, std::uint64_t operations) {
  assert(keys_ >= keys && key_operations_ >= operations);
  batches_ -= keys;
  keys_ -= keys;
  operations_ -= operations;
  key_operations_ -= operations;
}

void InProgressBudget::refused(std::uint64_t operations, BootTime now) {
  level_.refused(held(), part(1, operations), now);
}

void InProgressBudget::accepted(std::uint64_t operations, BootTime now) {
  level_.accepted(!is_usable(batches_ + 1, operations_ + operations), now);
}

std::optional<BootTime> InProgressBudget::recovers_at() const {
  return level_.grows_at();
}

void InProgressBudget::recover(BootTime now) {
  level_.grow(now);
}

}  // namespace usherd
