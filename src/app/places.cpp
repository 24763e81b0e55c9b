#include "usherd/app/places.hpp"

#include <algorithm>
#include <cassert>

namespace usherd {

Places::Places(const boost::asio::any_io_executor& loop, InProgressBudget& budget, Batcher& batcher)
    : loop_(loop), budget_(budget), batcher_(batcher), changed_(loop) {}

void Places::stop() {
  stopping_ = true;
  changed();
}

void Places::changed() {
  changed_.notify();
  for (auto& [place, turn] : line_)
    turn.notify();
}

void Places::given_back() {
  changed_.notify();
  if (!line_.empty())
    line_.begin()->second.notify();
}

/// A place in the line for as long as it lives, also when it ends by cancellation.
class Places::Waiter {
 public:
  Waiter(Places& places, std::int64_t ahead)
      : places_(places),
        place_(places.line_.try_emplace({ahead, places.came_++}, Event(places.loop_)).first) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  // The next in line may fit as well.
  ~Waiter() {
    places_.line_.erase(place_);
    places_.given_back();
  }

  [[nodiscard]] bool is_first() const { return place_ == places_.line_.begin(); }
  [[nodiscard]] boost::asio::awaitable<void> wait() { return place_->second.wait(); }

 private:
  Places& places_;
  Line::iterator place_;
};

bool Places::admits_new(std::uint64_t operations) const {
  return line_.empty() && budget_.admits(operations);
}

bool Places::has_room_aside(std::uint64_t operations) const {
  return aside_ == 0 || (aside_ < kMostAside && operations_aside_ + operations <= kMostOperationsAside);
}

bool Places::step_aside(std::uint64_t operations) {
  if (!has_room_aside(operations))
    return false;
  ++aside_;
  operations_aside_ += operations;
  budget_.end_post(operations);
  budget_.give_back(operations);
  given_back();
  return true;
}

bool Places::step_aside(ActiveBatch& batch) {
  if (!has_room_aside(batch.operations()))
    return false;
  ++aside_;
  operations_aside_ += batch.operations();
  give_way(batch);
  return true;
}

void Places::step_back(std::uint64_t operations) {
  assert(aside_ > 0 && operations_aside_ >= operations);
  --aside_;
  operations_aside_ -= operations;
}

void Places::recover(Estate estate) {
  budget_.take_keys(estate.keys, estate.operations);
  for (const auto key : estate.users)
    batcher_.order().hold(key);
  families_[estate.root].estate = std::move(estate);
}

void Places::recover(ActiveBatch& batch) {
  const auto operations = batch.operations();
  budget_.take_keys(batch.row.abandoned, batch.row.abandoned * operations);
  if (batch.row.state == BatchState::accepted || batch.row.sent) {
    budget_.take(operations);
    budget_.end_post(operations);
    batch.has_place = true;
  }
  if (batch.row.heir_of != 0)
    ++families_[batch.row.heir_of].heirs;
  for (const auto* keys : {&batch.row.users, &batch.row.seconds}) {
    for (const auto key : *keys)
      batcher_.order().hold(key);
  }
}

boost::asio::awaitable<bool> Places::wait_in_line(ActiveBatch& batch) {
  assert(!batch.has_place);
  const auto operations = batch.operations();
  const bool fits = operations <= budget_.limit_operations();
  const auto is_outgrown = [&] { return fits && operations > budget_.limit_operations(); };
  Waiter waiter(*this, batch.ahead);
  while (!stopping_ && !is_outgrown() && (!waiter.is_first() || !budget_.admits_in_line(operations)))
    co_await waiter.wait();
  if (stopping_ || is_outgrown())
    co_return false;
  budget_.take(operations);
  batch.has_place = batch.is_posting = true;
  co_return true;
}

void Places::give_way(ActiveBatch& batch) {
  assert(batch.has_place);
  end_post(batch);
  budget_.give_back(batch.operations());
  batch.has_place = false;
  given_back();
}

void Places::stand_back(ActiveBatch& batch) {
  assert(batch.has_place);
  end_post(batch);
  budget_.stand_back();
  given_back();
}

boost::asio::awaitable<bool> Places::step_forward(ActiveBatch& batch) {
  Waiter waiter(*this, 0);
  while (!stopping_ && (!waiter.is_first() || !budget_.admits_back()))
    co_await waiter.wait();
  if (stopping_)
    co_return false;
  budget_.step_forward(batch.operations());
  batch.is_posting = true;
  co_return true;
}

void Places::end_post(ActiveBatch& batch) {
  if (batch.is_posting)
    budget_.end_post(batch.operations());
  batch.is_posting = false;
}

Estate Places::estate_of(const ActiveBatch& batch, bool key_may_run) {
  Estate estate;
  estate.keys = batch.row.abandoned + (key_may_run ? 1 : 0);
  estate.operations = estate.keys * batch.operations();
  if (batch.row.heir_of != 0)
    estate.root = batch.row.heir_of;
  else if (estate.keys > 0)
    estate.root = batch.row.id;
  return estate;
}

std::int64_t Places::divided(ActiveBatch& batch, const Estate& estate, std::size_t heirs) {
  end_post(batch);
  const bool key_runs = estate.keys > batch.row.abandoned;
  if (batch.has_place && key_runs)
    budget_.leave_to_key(batch.operations());
  else if (batch.has_place)
    budget_.give_back(batch.operations());
  else if (key_runs)
    budget_.take_keys(1, batch.operations());
  batch.has_place = false;
  if (estate.root != 0) {
    Family& family = families_[estate.root];
    family.estate.root = estate.root;
    family.estate.keys += estate.keys;
    family.estate.operations += estate.operations;
    family.heirs += heirs;
    if (batch.row.heir_of != 0)
      --family.heirs;
  }
  given_back();
  return --ahead_;
}

std::optional<BatchId> Places::eldest_with_keys() const {
  std::optional<BatchId> eldest;
  for (const auto& [root, family] : families_) {
    if (family.estate.keys > 0)
      eldest = std::min(eldest.value_or(root), root);
  }
  return eldest;
}

void Places::release_users(const std::vector<std::uint64_t>& users) {
  // The table is large and the keys lie anywhere in it.
  constexpr std::size_t kPrefetch = 12;
  for (std::size_t i = 0; i < users.size(); ++i) {
    if (i + kPrefetch < users.size())
      batcher_.order().prefetch(users[i + kPrefetch]);
    batcher_.release(users[i]);
  }
}

void Places::leave_family(const ActiveBatch& batch) {
  const auto found = families_.find(batch.row.heir_of);
  assert(found != families_.end());
  Family& family = found->second;
  for (const auto* keys : {&batch.row.users, &batch.row.seconds})
    std::copy_if(keys->begin(), keys->end(), std::back_inserter(family.estate.users),
                 [](std::uint64_t key) { return key != 0; });
  if (--family.heirs > 0)
    return;
  release_users(family.estate.users);
  budget_.give_keys_back(family.estate.keys, family.estate.operations);
  families_.erase(found);
}

void Places::ended(ActiveBatch& batch) {
  end_post(batch);
  if (batch.has_place)
    budget_.give_back(batch.operations());
  batch.has_place = false;
  budget_.give_keys_back(batch.row.abandoned, batch.row.abandoned * batch.operations());
  if (batch.row.heir_of != 0) {
    leave_family(batch);
  } else {
    release_users(batch.row.users);
    release_users(batch.row.seconds);
  }
  given_back();
}

}  // namespace usherd
