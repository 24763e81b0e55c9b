#include "usherd/batch/user_table.hpp"

#include <array>
#include <cassert>
#include <span>
#include <utility>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kFirstGroups = 256;
/// The table doubles beyond four fifths of it.
constexpr std::size_t kFullest = 4;
constexpr std::size_t kFullestOf = 5;
/// With a key in less than one of so many entries it shrinks, to half full at most.
constexpr std::size_t kSparse = 8;
constexpr std::size_t kShrinkBy = 4;
constexpr std::size_t kLeastToShrink = 8192;

}  // namespace

UserTable::UserTable() : groups_(kFirstGroups), tails_(kFirstGroups * kEntries) {
  set_limits();
}

void UserTable::set_limits() {
  mask_ = groups_.size() - 1;
  most_ = groups_.size() * kEntries * kFullest / kFullestOf;
}

/// Puts one in that is not there; the first group on its way that is not full takes it.
UserTable::Place UserTable::put(std::uint64_t key) {
  auto at = key & mask_;
  while (free_entries(groups_[at]) == 0) {
    if (passed_by(groups_[at]) < kPassedMost)
      groups_[at].tags += std::uint64_t{1} << kPassedShift;
    at = next(at);
  }
  return take_entry(at, key);
}

void UserTable::erase(const Place& place) {
  Group& at = group(place);
  for (auto passed = at.keys[place.entry] & mask_; passed != place.group; passed = next(passed)) {
    if (passed_by(groups_[passed]) < kPassedMost)
      groups_[passed].tags -= std::uint64_t{1} << kPassedShift;
  }
  at.tags &= ~(std::uint64_t{0xFF} << (8 * place.entry) | waiting_bit(place.entry));
  --size_;
}

UserTable::Moved UserTable::moved(const Place& place) const {
  const bool waits = has_tail(place);
  return {group(place).keys[place.entry], waits ? tail(place) : 0, holder(place), waits};
}

void UserTable::put(const Moved& entry) {
  const auto place = put(entry.key);
  set_holder(place, entry.holder);
  if (entry.has_tail)
    set_tail(place, entry.tail);
}

/// Doubles the table in place. Taken in the order of the table, most keys stay in their group or move up by
/// the old size, where nothing stood before.
void UserTable::grow() {
  const auto old = groups_.size();
  groups_.grow(old * 2);
  tails_.grow(old * 2 * kEntries);
  set_limits();
  // What would go where keys of before still stand: it had come round the end, or its groups are full again.
  std::vector<Moved> last;
  for (std::size_t group = 0; group < old; ++group) {
    std::array<Moved, kEntries> entries;
    std::size_t count = 0;
    for (auto left = groups_[group].tags & kTaken; left != 0; left &= left - 1)
      entries[count++] = moved({group, entry_of(left)});
    groups_[group].tags = 0;
    for (const auto& entry : std::span(entries).first(count)) {
      auto at = entry.key & mask_;
      const auto is_ahead = [&] { return at > group && at < old; };
      while (!is_ahead() && free_entries(groups_[at]) == 0)
        at = next(at);
      if (is_ahead())
        last.push_back(entry);
      else
        put(entry);
    }
  }
  for (const auto& entry : last)
    put(entry);
}

void UserTable::give_room_back() {
  if (groups_.size() <= kLeastToShrink || size_ * kSparse >= groups_.size() * kEntries)
    return;
  UserTable smaller;
  smaller.groups_ = ZeroedArray<Group>(groups_.size() / kShrinkBy);
  smaller.tails_ = ZeroedArray<std::uint32_t>(smaller.groups_.size() * kEntries);
  smaller.set_limits();
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    for (auto left = groups_[group].tags & kTaken; left != 0; left &= left - 1)
      smaller.put(moved({group, entry_of(left)}));
  }
  smaller.size_ = size_;
  *this = std::move(smaller);
}

}  // namespace usherd
