#pragma once

#include "usherd/batch/user_order.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace usherd::test {

/// How keys are drawn: from `users` ones, with their lowest `equal_bits` bits the same.
struct KeyChoice {
  std::uint64_t users = 1;
  unsigned equal_bits = 0;
};

/// A UserOrder beside the plainest thing that keeps the same promise: a queue of records for each key, in
/// which the first one holds the key; a record may go when it is the first in all its queues.
class OrderModel {
 public:
  OrderModel(KeyChoice choice, std::uint64_t seed) : choice_(choice), random_(seed) {}

  /// One random operation on both; what differs, or "".
  std::string step() {
    const bool busy = active_.size() > choice_.users / 2 + 2;
    const auto dice = random_() % 100;
    // The backlog grows for a while, then shrinks, so that memory is taken and given back.
    const bool grows = (steps_++ / 20'000) % 2 == 0;
    std::string fault;
    if (dice < (grows && !busy ? 60U : 35U))
      fault = offer();
    else if (dice < 90)
      fault = release_one();
    else if (dice < 93)
      fault = put_back();
    else if (dice < 96)
      fault = merge();
    else if (dice < 97)
      hold();
    else
      order_.prefetch(random_());
    if (fault.empty())
      fault = take_ready();
    return fault.empty() ? compare() : fault;
  }

  /// Releases everything; at the end nothing may be left.
  std::string drain() {
    while (!active_.empty() || !ready_.empty()) {
      if (auto fault = release_one(); !fault.empty())
        return fault;
      if (auto fault = take_ready(); !fault.empty())
        return fault;
    }
    if (order_.waiting() != 0 || order_.held_keys() != 0 || order_.has_ready())
      return "something is left at the end";
    return {};
  }

 private:
  struct Item {
    QueuedRecord record;
    bool holds_only = false;
    std::vector<std::uint64_t> held;  ///< keys not yet released, once it is active
  };
  struct Queue {
    std::deque<std::uint64_t> items;
    UserOrder::Holder holder = UserOrder::kNobody;
  };

  std::uint64_t key() {
    const auto number = random_() % choice_.users + 1;
    return choice_.equal_bits == 0 ? number * 0x9E37'79B9'7F4A'7C15ULL : number << choice_.equal_bits;
  }

  std::uint64_t new_item(std::uint64_t user, std::uint64_t second) {
    const auto id = ++last_id_;
    Item item;
    item.record.record.user = user;
    item.record.record.second = second;
    item.record.record.offset = id;
    item.record.record.line = id * 3;
    item.record.record.length = static_cast<std::uint32_t>(random_() % (kMostRecordBytes + 1));
    item.record.record.flags = std::array<std::uint8_t, 3>{0, kMergeable, kSingle}[random_() % 3];
    item.record.file = static_cast<std::uint32_t>(id % 7);
    items_.emplace(id, std::move(item));
    return id;
  }

  static std::vector<std::uint64_t> keys_of(const Item& item) {
    std::vector<std::uint64_t> keys{item.record.record.user};
    if (item.record.record.second != 0)
      keys.push_back(item.record.record.second);
    return keys;
  }

  bool is_first(std::uint64_t id) {
    const auto keys = keys_of(items_.at(id));
    return std::all_of(keys.begin(), keys.end(),
                       [&](auto key) { return queues_.at(key).items.front() == id; });
  }

  void activate(std::uint64_t id, UserOrder::Holder holder) {
    Item& item = items_.at(id);
    item.held = keys_of(item);
    for (const auto each : item.held)
      queues_.at(each).holder = holder;
    active_.push_back(id);
  }

  std::string offer() {
    const auto user = key();
    auto second = random_() % 5 == 0 ? key() : 0;
    if (second == user)
      second = 0;
    const auto id = new_item(user, second);
    const UserOrder::Holder holder = 1 + static_cast<UserOrder::Holder>(random_() % 2);
    const Item& item = items_.at(id);
    const auto known = queues_.find(user);
    const bool first = second == 0 && known != queues_.end() && known->second.items.size() == 1 &&
                       known->second.holder == holder;
    for (const auto each : keys_of(item))
      queues_[each].items.push_back(id);
    auto expected = UserOrder::Offer::waits;
    if (is_first(id))
      expected = UserOrder::Offer::taken;
    else if (first)
      expected = UserOrder::Offer::waits_first;
    if (order_.offer(item.record, holder) != expected)
      return "an offer ended otherwise";
    if (expected == UserOrder::Offer::taken)
      activate(id, holder);
    else
      ++waiting_;
    return {};
  }

  std::string release_one() {
    if (active_.empty())
      return {};
    const auto index = random_() % active_.size();
    Item& item = items_.at(active_[index]);
    const auto which = random_() % item.held.size();
    const auto released = item.held[which];
    item.held.erase(item.held.begin() + static_cast<std::ptrdiff_t>(which));
    if (item.held.empty()) {
      items_.erase(active_[index]);
      active_[index] = active_.back();
      active_.pop_back();
    }
    auto& queue = queues_.at(released);
    queue.items.pop_front();
    queue.holder = UserOrder::kNobody;
    if (queue.items.empty())
      queues_.erase(released);
    else if (is_first(queue.items.front()))
      ready_.push_back(queue.items.front());
    order_.release(released);
    return {};
  }

  /// A key held by an active record, or 0.
  std::uint64_t held_key() {
    if (active_.empty())
      return 0;
    const Item& item = items_.at(active_[random_() % active_.size()]);
    return item.held[random_() % item.held.size()];
  }

  std::string put_back() {
    const auto held = held_key();
    if (held == 0)
      return {};
    std::vector<QueuedRecord> records;
    auto& queue = queues_.at(held).items;
    const auto count = random_() % 4;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto id = new_item(held, 0);
      queue.insert(queue.begin() + 1 + static_cast<std::ptrdiff_t>(i), id);
      records.push_back(items_.at(id).record);
      ++waiting_;
    }
    order_.put_back(held, records);
    return {};
  }

  std::string merge() {
    const auto held = held_key();
    if (held == 0)
      return {};
    auto& queue = queues_.at(held).items;
    const auto most = random_() % 10;
    std::vector<std::uint64_t> expected;
    for (std::size_t i = 1; i < queue.size() && expected.size() < most; ++i) {
      if (items_.at(queue[i]).record.record.second != 0)
        break;
      expected.push_back(queue[i]);
    }
    const auto found = order_.waiting_behind(held, most);
    if (found.size() != expected.size())
      return "another number waits behind a key";
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!same(found[i], items_.at(expected[i]).record))
        return "others wait behind a key";
    }
    const auto count = expected.empty() ? 0 : random_() % (expected.size() + 1);
    order_.drop_waiting(held, count);
    for (std::size_t i = 0; i < count; ++i)
      items_.erase(expected[i]);
    queue.erase(queue.begin() + 1, queue.begin() + 1 + static_cast<std::ptrdiff_t>(count));
    waiting_ -= count;
    return {};
  }

  void hold() {
    const auto held = key();
    order_.hold(held);
    if (queues_.contains(held))
      return;
    const auto id = new_item(held, 0);
    items_.at(id).holds_only = true;
    queues_[held].items.push_back(id);
    activate(id, UserOrder::kNobody);
  }

  std::string take_ready() {
    while (!ready_.empty() && random_() % 4 != 0) {
      if (!order_.has_ready() || !same(order_.next_ready(), items_.at(ready_.front()).record))
        return "another record is ready";
      const UserOrder::Holder holder = 1 + static_cast<UserOrder::Holder>(random_() % 2);
      if (!same(order_.take_ready(holder), items_.at(ready_.front()).record))
        return "another record was taken";
      activate(ready_.front(), holder);
      ready_.pop_front();
      --waiting_;
    }
    return {};
  }

  std::string compare() {
    if (order_.waiting() != waiting_ - ready_.size())
      return "another number waits";
    if (order_.held_keys() != queues_.size())
      return "another number of keys is held";
    if (order_.has_ready() == ready_.empty())
      return "ready or not";
    const auto any = key();
    const auto known = queues_.find(any);
    // The first in a queue may itself still wait for its other key: it does not wait behind this one.
    if (order_.has_waiting(any) != (known != queues_.end() && known->second.items.size() > 1))
      return "somebody waits or not";
    return {};
  }

  static bool same(const QueuedRecord& a, const QueuedRecord& b) {
    return a.file == b.file && a.record.user == b.record.user && a.record.second == b.record.second &&
           a.record.offset == b.record.offset && a.record.line == b.record.line &&
           a.record.length == b.record.length && a.record.flags == b.record.flags;
  }

  KeyChoice choice_;
  std::mt19937_64 random_;
  UserOrder order_;
  std::map<std::uint64_t, Item> items_;
  std::map<std::uint64_t, Queue> queues_;
  std::vector<std::uint64_t> active_;
  std::deque<std::uint64_t> ready_;
  std::uint64_t last_id_ = 0;
  std::uint64_t steps_ = 0;
  std::size_t waiting_ = 0;  ///< with those that are ready
};

}  // namespace usherd::test
