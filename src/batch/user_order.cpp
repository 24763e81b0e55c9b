#include "usherd/batch/user_order.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace usherd {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr unsigned kLowBits = 32;
constexpr unsigned kMiddleBits = 11;
constexpr std::size_t kFirstSlots = 1024;
/// The table doubles beyond seven tenths of it.
constexpr std::size_t kFullest = 7;
constexpr std::size_t kFullestOf = 10;
/// With a key in less than one of so many slots it shrinks, to half full at most.
constexpr std::size_t kSparse = 8;
constexpr std::size_t kShrinkBy = 4;
constexpr std::size_t kLeastToShrink = 65'536;

}  // namespace

UserOrder::UserOrder() : slots_(kFirstSlots), mask_(kFirstSlots - 1), free_(kNone) {}

std::size_t UserOrder::find(std::uint64_t key) const {
  for (std::size_t i = key & mask_;; i = (i + 1) & mask_) {
    // In this order key 0, that of records without a user, is never found.
    if (slots_[i].key == 0)
      return slots_.size();
    if (slots_[i].key == key)
      return i;
  }
}

std::size_t UserOrder::find_or_insert(std::uint64_t key, bool& inserted) {
  assert(key != 0);
  if ((used_ + 1) * kFullestOf > slots_.size() * kFullest)
    grow();
  std::size_t i = key & mask_;
  while (slots_[i].key != 0 && slots_[i].key != key)
    i = (i + 1) & mask_;
  inserted = slots_[i].key == 0;
  if (inserted) {
    slots_[i] = {key, kNone, kNobody};
    ++used_;
  }
  return i;
}

/// Puts one in that is not there.
void UserOrder::place(const Slot& slot) {
  std::size_t i = slot.key & mask_;
  while (slots_[i].key != 0)
    i = (i + 1) & mask_;
  slots_[i] = slot;
}

/// Doubles the table in place. Each key either stays near where it was or moves up by the old size; taken in
/// the order of the table, one finds the places free that those in front of it left.
void UserOrder::grow() {
  const auto size = slots_.size();
  slots_.grow(size * 2);
  mask_ = slots_.size() - 1;
  // Keys at the beginning may belong to the end and have come round it: these go last.
  std::vector<Slot> first;
  for (std::size_t i = 0; i < size && slots_[i].key != 0; ++i) {
    first.push_back(slots_[i]);
    slots_[i].key = 0;
  }
  for (std::size_t i = first.size(); i < size; ++i) {
    if (slots_[i].key == 0)
      continue;
    const Slot slot = slots_[i];
    slots_[i].key = 0;
    place(slot);
  }
  for (const Slot& slot : first)
    place(slot);
}

void UserOrder::give_room_back() {
  if (slots_.size() <= kLeastToShrink || used_ * kSparse >= slots_.size())
    return;
  const auto old = std::exchange(slots_, ZeroedArray<Slot>(slots_.size() / kShrinkBy));
  mask_ = slots_.size() - 1;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (old[i].key != 0)
      place(old[i]);
  }
}

void UserOrder::erase(std::size_t hole) {
  // Backward shift: no tombstones, so that a table that lives for years stays as fast as a new one.
  for (std::size_t i = (hole + 1) & mask_; slots_[i].key != 0; i = (i + 1) & mask_) {
    const std::size_t home = slots_[i].key & mask_;
    if (((i - home) & mask_) >= ((i - hole) & mask_)) {
      slots_[hole] = slots_[i];
      hole = i;
    }
  }
  slots_[hole].key = 0;
  --used_;
}

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
  if (waiting_ == 0 && nodes_.size() > kFirstSlots) {
    // Nothing waits: give the memory of a past backlog back.
    nodes_.clear();
    free_ = kNone;
  }
}

void UserOrder::push_back(Slot& slot, std::uint32_t node) {
  if (slot.tail == kNone) {
    nodes_[node].next = node;
  } else {
    nodes_[node].next = nodes_[slot.tail].next;
    nodes_[slot.tail].next = node;
  }
  slot.tail = node;
}

std::uint32_t UserOrder::pop_front(Slot& slot) {
  const auto head = nodes_[slot.tail].next;
  if (head == slot.tail)
    slot.tail = kNone;
  else
    nodes_[slot.tail].next = nodes_[head].next;
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

UserOrder::Offer UserOrder::offer(const QueuedRecord& record, Holder holder) {
  if (record.record.user == 0)
    return Offer::taken;
  if (record.record.second != 0 && record.record.second != record.record.user)
    return offer_pair(record, holder) ? Offer::taken : Offer::waits;
  bool inserted = false;
  Slot& slot = slots_[find_or_insert(record.record.user, inserted)];
  if (inserted) {
    slot.holder = holder;
    return Offer::taken;
  }
  const bool first = slot.tail == kNone && slot.holder == holder && holder != kNobody;
  push_back(slot, make_node(record));
  return first ? Offer::waits_first : Offer::waits;
}

bool UserOrder::offer_pair(const QueuedRecord& record, Holder holder) {
  const std::uint64_t keys[2] = {record.record.user, record.record.second};
  bool inserted[2] = {false, false};
  for (int i = 0; i < 2; ++i) {
    Slot& slot = slots_[find_or_insert(keys[i], inserted[i])];
    if (inserted[i])
      slot.holder = holder;
  }
  if (inserted[0] && inserted[1])
    return true;
  // A key that was free is held for this record from now on, so that nobody overtakes it there.
  const auto primary = make_node(record);
  nodes_[primary].has_pair = 1;
  Pair pair{keys[0], keys[1], 0};
  for (int i = 0; i < 2; ++i) {
    Slot& slot = slots_[find(keys[i])];
    if (inserted[i]) {
      slot.holder = kNobody;
      continue;
    }
    ++pair.missing;
    push_back(slot, i == 0 ? primary : make_shadow(primary));
  }
  pairs_.emplace(primary, pair);
  return false;
}

void UserOrder::put_back(std::uint64_t key, const std::vector<QueuedRecord>& records) {
  const auto index = find(key);
  assert(index < slots_.size());
  for (auto it = records.rbegin(); it != records.rend(); ++it) {
    const auto node = make_node(*it);
    Slot& slot = slots_[index];
    const bool was_empty = slot.tail == kNone;
    const auto old_tail = slot.tail;
    push_back(slot, node);
    // A circular list's new last element becomes its first by leaving the tail where it was.
    if (!was_empty)
      slot.tail = old_tail;
  }
}

void UserOrder::hold(std::uint64_t key) {
  if (key == 0)
    return;
  bool inserted = false;
  find_or_insert(key, inserted);
}

void UserOrder::release(std::uint64_t key) {
  if (key == 0)
    return;
  const auto index = find(key);
  if (index == slots_.size())
    return;
  if (slots_[index].tail == kNone) {
    erase(index);
    return;
  }
  slots_[index].holder = kNobody;
  grant(key, pop_front(slots_[index]));
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
      slots_[find(key)].holder = holder;
  }
  return record;
}

bool UserOrder::has_waiting(std::uint64_t key) const {
  const auto index = find(key);
  return index < slots_.size() && slots_[index].tail != kNone;
}

std::vector<QueuedRecord> UserOrder::waiting_behind(std::uint64_t key, std::size_t most) const {
  std::vector<QueuedRecord> out;
  const auto index = find(key);
  if (index == slots_.size() || slots_[index].tail == kNone)
    return out;
  const auto tail = slots_[index].tail;
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
  Slot& slot = slots_[find(key)];
  for (; count > 0; --count)
    free_node(pop_front(slot));
}

}  // namespace usherd
