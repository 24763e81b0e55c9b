#pragma once

#include "usherd/core/zeroed_array.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace usherd {

/// A set of keys (hashes: any bit of theirs is as good as another), with what UserOrder notes of each. A
/// group of six keys, their tags and holders is one line of the cache, and most questions are answered by
/// one. Nothing of a key that was erased stays, so that a table that lives for years is as fast as a new one.
/// Pure.
class UserTable {
 public:
  /// Where a key stands, until the next insertion, erasure or change of the table's size.
  struct Place {
    std::size_t group = 0;
    unsigned entry = 0;
  };

  UserTable();

  /// Brings the line of `key` into the cache ahead of its use.
  void prefetch(std::uint64_t key) const { __builtin_prefetch(&groups_[key & mask_]); }
  /// Whether it is there; then `place` says where. Key 0 never is.
  [[nodiscard]] bool find(std::uint64_t key, Place& place) const {
    const auto tag = tag_of(key);
    const auto home = key & mask_;
    auto group = home;
    do {
      const Group& at = groups_[group];
      for (auto found = equal_tags(at.tags, tag); found != 0; found &= found - 1) {
        place = {group, entry_of(found)};
        if (at.keys[place.entry] == key)
          return true;
      }
      if (passed_by(at) == 0)
        return false;
      group = next(group);
    } while (group != home);
    return false;
  }
  /// The same; where it is not there it is put in, held by `holder` and with no tail.
  bool find_or_insert(std::uint64_t key, std::uint8_t holder, Place& place) {
    if (find(key, place))
      return true;
    if (size_ >= most_)
      grow();
    ++size_;
    const auto home = key & mask_;
    place = free_entries(groups_[home]) != 0 ? take_entry(home, key) : put(key);
    set_holder(place, holder);
    return false;
  }
  void erase(const Place& place);

  [[nodiscard]] std::uint8_t holder(const Place& place) const { return group(place).holders[place.entry]; }
  void set_holder(const Place& place, std::uint8_t holder) { group(place).holders[place.entry] = holder; }
  /// Whether a tail is noted; what it is.
  [[nodiscard]] bool has_tail(const Place& place) const {
    return (group(place).tags & waiting_bit(place.entry)) != 0;
  }
  [[nodiscard]] std::uint32_t tail(const Place& place) const { return tails_[tail_index(place)]; }
  void set_tail(const Place& place, std::uint32_t tail) {
    group(place).tags |= waiting_bit(place.entry);
    tails_[tail_index(place)] = tail;
  }
  void clear_tail(const Place& place) { group(place).tags &= ~waiting_bit(place.entry); }

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Bytes, about.
  [[nodiscard]] std::size_t memory() const { return memory_of(groups_.size()); }
  /// The same once the table has doubled.
  [[nodiscard]] std::size_t next_memory() const { return 2 * memory(); }
  /// Gives back what a past crowd took, if few are left of it.
  void give_room_back();

 private:
  static constexpr std::size_t kEntries = 6;
  /// One line. `tags` holds, from its low end: a byte for each entry (0: free), a byte that counts the keys
  /// which found this group full and went by, and a bit for each entry with a tail.
  struct alignas(64) Group {
    std::uint64_t tags;
    std::uint64_t keys[kEntries];
    std::uint8_t holders[8];
  };
  static_assert(sizeof(Group) == 64);

  static constexpr std::uint64_t kOfEach = 0x0000'0101'0101'0101;
  static constexpr std::uint64_t kTaken = kOfEach << 7;  // set in each tag that is not 0
  static constexpr unsigned kPassedShift = 48;
  static constexpr std::uint64_t kPassedMost = 0xFF;  // from there on it is not counted down again
  static constexpr unsigned kWaitingShift = 56;

  static std::uint64_t tag_of(std::uint64_t key) { return 0x80U | key >> 57; }
  static std::uint64_t waiting_bit(unsigned entry) { return std::uint64_t{1} << (kWaitingShift + entry); }
  static unsigned entry_of(std::uint64_t bits) { return static_cast<unsigned>(std::countr_zero(bits)) / 8; }
  static std::uint64_t passed_by(const Group& group) { return group.tags >> kPassedShift & kPassedMost; }
  /// The top bit of each entry's byte whose tag is this one; of others at times, above one that is.
  static std::uint64_t equal_tags(std::uint64_t tags, std::uint64_t tag) {
    const auto difference = tags ^ tag * kOfEach;
    return (difference - kOfEach) & ~difference & kTaken;
  }
  static std::uint64_t free_entries(const Group& group) { return ~group.tags & kTaken; }
  static std::size_t tail_index(const Place& place) { return place.group * kEntries + place.entry; }
  static std::size_t memory_of(std::size_t groups) {
    return groups * (sizeof(Group) + kEntries * sizeof(std::uint32_t));
  }

  [[nodiscard]] std::size_t next(std::size_t group) const { return (group + 1) & mask_; }
  [[nodiscard]] const Group& group(const Place& place) const { return groups_[place.group]; }
  [[nodiscard]] Group& group(const Place& place) { return groups_[place.group]; }

  /// What stands in an entry, while it moves.
  struct Moved {
    std::uint64_t key;
    std::uint32_t tail;
    std::uint8_t holder;
    bool has_tail;
  };
  Place take_entry(std::size_t group, std::uint64_t key) {
    Group& at = groups_[group];
    const auto entry = entry_of(free_entries(at));
    at.tags |= tag_of(key) << (8 * entry);
    at.keys[entry] = key;
    return {group, entry};
  }
  Place put(std::uint64_t key);
  void put(const Moved& entry);
  void set_limits();
  [[nodiscard]] Moved moved(const Place& place) const;
  void grow();

  ZeroedArray<Group> groups_;
  ZeroedArray<std::uint32_t> tails_;
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
  std::size_t most_ = 0;  ///< keys before it grows
};

}  // namespace usherd
