#include "usherd/batch/user_order.hpp"

#include <algorithm>
#include <cassert>

namespace usherd {
namespace {

constexpr unsigned kLowBits = 32;
constexpr unsigned kMiddleBits = 11;
/// Of these there may be some when nothing waits.
constexpr std::size_t kFewNodes = 1024;

}  // namespace

UserOrder::Node UserOrder::node_of(const QueuedRecord& record) {
  const auto& from = record.record;
  Node node{};
  node.offset_low = static_cast<std::uint32_t>(from.offset);
  node.offset_middle = from.offset >> kLowBits;
  node.offset_high = from.offset >> (kLowBits + kMiddleBits);
  node.line = static_cast<std::uint32_t>(std::min<std::uint64_t>(from.line, kNone));
  node.length = from.length;
  node.file = record.file;
  node.is_mergeable = (from.flags & kMergeable) != 0;
  node.is_single = (from.flags & kSingle) != 0;
  node.is_changed = (from.flags & kChanged) != 0;
  node.next = kNone;
  assert(from.offset >> 48 == 0 && node.length == from.length && node.file == record.file);
  return node;
}

std::uint32_t UserOrder::keep_node(const Node& node) {
  if (free_ == kNone) {
    nodes_.push_back(node);
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  const auto index = free_;
  free_ = nodes_[index].next;
  nodes_[index] = node;
  return index;
}

std::uint32_t UserOrder::make_node(const QueuedRecord& record) {
  ++waiting_;
  return keep_node(node_of(record));
}

std::uint32_t UserOrder::make_shadow(std::uint32_t primary) {
  Node node{};
  node.offset_low = primary;
  node.is_shadow = 1;
  return keep_node(node);
}

void UserOrder::free_node(std::uint32_t node) {
  if (nodes_[node].is_shadow == 0)
    --waiting_;
  nodes_[node].next = free_;
  free_ = node;
  if (waiting_ == 0 && nodes_.size() > kFewNodes) {
    // Nothing waits: give the memory of a past backlog back.
    nodes_.clear();
    free_ = kNone;
  }
}

void UserOrder::push_back(const Place& place, std::uint32_t node) {
  if (table_.has_tail(place)) {
    const auto tail = table_.tail(place);
    nodes_[node].next = nodes_[tail].next;
    nodes_[tail].next = node;
  } else {
    nodes_[node].next = node;
  }
  table_.set_tail(place, node);
}

std::uint32_t UserOrder::pop_front(const Place& place) {
  const auto tail = table_.tail(place);
  const auto head = nodes_[tail].next;
  if (head == tail)
    table_.clear_tail(place);
  else
    nodes_[tail].next = nodes_[head].next;
  return head;
}

QueuedRecord UserOrder::record_of(std::uint64_t key, std::uint32_t node) const {
  const Node& stored = nodes_[node];
  QueuedRecord out;
  out.record.user = key;
  out.record.offset = stored.offset_low | std::uint64_t{stored.offset_middle} << kLowBits |
                      std::uint64_t{stored.offset_high} << (kLowBits + kMiddleBits);
  out.record.line = stored.line;
  out.record.length = stored.length;
  out.record.flags = static_cast<std::uint8_t>((stored.is_mergeable != 0 ? kMergeable : 0) |
                                               (stored.is_single != 0 ? kSingle : 0) |
                                               (stored.is_changed != 0 ? kChanged : 0));
  out.file = stored.file;
  return out;
}

UserOrder::Offer UserOrder::offer(const Record& record, std::uint32_t file, Holder holder) {
  if (record.user == 0)
    return Offer::taken;
  if (record.second != 0 && record.second != record.user)
    return offer_pair({record, file}, holder) ? Offer::taken : Offer::waits;
  Place place;
  if (!table_.find_or_insert(record.user, holder, place))
    return Offer::taken;
  const bool first = !table_.has_tail(place) && table_.holder(place) == holder && holder != kNobody;
  push_back(place, make_node({record, file}));
  return first ? Offer::waits_first : Offer::waits;
}

bool UserOrder::offer_pair(const QueuedRecord& record, Holder holder) {
  const std::uint64_t keys[2] = {record.record.user, record.record.second};
  bool was_free[2] = {false, false};
  Place place;
  for (int i = 0; i < 2; ++i)
    was_free[i] = !table_.find_or_insert(keys[i], holder, place);
  if (was_free[0] && was_free[1])
    return true;
  // A key that was free is held for this record from now on, so that nobody overtakes it there.
  const auto primary = make_node(record);
  nodes_[primary].has_pair = 1;
  Pair pair{keys[0], keys[1], 0};
  for (int i = 0; i < 2; ++i) {
    place = held(keys[i]);
    if (was_free[i]) {
      table_.set_holder(place, kNobody);
      continue;
    }
    ++pair.missing;
    push_back(place, i == 0 ? primary : make_shadow(primary));
  }
  pairs_.emplace(primary, pair);
  return false;
}

UserOrder::Place UserOrder::held(std::uint64_t key) const {
  Place place;
  [[maybe_unused]] const bool found = table_.find(key, place);
  assert(found);
  return place;
}

void UserOrder::put_back(std::uint64_t key, const std::vector<QueuedRecord>& records) {
  const auto place = held(key);
  for (auto it = records.rbegin(); it != records.rend(); ++it) {
    const bool was_empty = !table_.has_tail(place);
    const auto old_tail = was_empty ? kNone : table_.tail(place);
    push_back(place, make_node(*it));
    // A circular list's new last element becomes its first by leaving the tail where it was.
    if (!was_empty)
      table_.set_tail(place, old_tail);
  }
}

void UserOrder::hold(std::uint64_t key) {
  Place place;
  if (key != 0)
    table_.find_or_insert(key, kNobody, place);
}

void UserOrder::release(std::uint64_t key) {
  Place place;
  if (!table_.find(key, place))
    return;
  if (!table_.has_tail(place)) {
    table_.erase(place);
    return;
  }
  table_.set_holder(place, kNobody);
  grant(key, pop_front(place));
}

void UserOrder::grant(std::uint64_t key, std::uint32_t node) {
  auto primary = node;
  if (nodes_[node].is_shadow != 0) {
    primary = nodes_[node].offset_low;
    free_node(node);
  }
  if (nodes_[primary].has_pair == 0) {
    ready_.push_back(record_of(key, primary));
    free_node(primary);
    return;
  }
  const auto pair = pairs_.find(primary);
  assert(pair != pairs_.end());
  if (--pair->second.missing > 0)
    return;
  auto record = record_of(pair->second.first, primary);
  record.record.second = pair->second.second;
  ready_.push_back(record);
  pairs_.erase(pair);
  free_node(primary);
}

QueuedRecord UserOrder::take_ready(Holder holder) {
  const auto record = ready_.front();
  ready_.pop_front();
  for (const auto key : {record.record.user, record.record.second}) {
    if (key != 0)
      table_.set_holder(held(key), holder);
  }
  return record;
}

bool UserOrder::has_waiting(std::uint64_t key) const {
  Place place;
  return table_.find(key, place) && table_.has_tail(place);
}

std::vector<QueuedRecord> UserOrder::waiting_behind(std::uint64_t key, std::size_t most) const {
  std::vector<QueuedRecord> out;
  Place place;
  if (!table_.find(key, place) || !table_.has_tail(place))
    return out;
  const auto tail = table_.tail(place);
  for (auto node = nodes_[tail].next; out.size() < most; node = nodes_[node].next) {
    if (nodes_[node].is_shadow != 0 || nodes_[node].has_pair != 0)
      break;
    out.push_back(record_of(key, node));
    if (node == tail)
      break;
  }
  return out;
}

void UserOrder::drop_waiting(std::uint64_t key, std::size_t count) {
  const auto place = held(key);
  for (; count > 0; --count)
    free_node(pop_front(place));
}

}  // namespace usherd
