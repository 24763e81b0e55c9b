#include "src/validate/names.hpp"

namespace usherd {
namespace {

constexpr auto make_name_bytes() {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    allowed[static_cast<unsigned char>(c)] = true;
  return allowed;
}
constexpr auto kNameBytes = make_name_bytes();

/// Cheap and not keyed: names are compared when it matters, and chosen ones cost a record at most so many
/// comparisons a name as there are entries.
std::uint64_t hash_words(std::uint64_t head, std::uint64_t tail, std::size_t length) {
  const auto mixed = (head ^ (tail * 0x9E3779B97F4A7C15 + length)) * 0xBF58476D1CE4E5B9;
  return mixed ^ (mixed >> 32);
}

}  // namespace

bool is_property_name(std::string_view name) {
  if (name.empty() || name.front() == '_' || (name.front() >= '0' && name.front() <= '9'))
    return false;
  bool good = true;
  for (const char c : name)
    good &= kNameBytes[static_cast<unsigned char>(c)];
  return good;
}

void KnownNames::forget() {
  entries_.assign(1, Entry{});
  slots_.fill(0);
  texts_.clear();
  round_ = 1;
  full_ = false;
}

/// Where the name stands, or the free slot where it belongs.
std::size_t KnownNames::slot_of(std::string_view name) const {
  auto at = hash_words(head(name), tail(name), name.size()) % kSlots;
  while (slots_[at] != 0 && !is(entries_[slots_[at]], name))
    at = (at + 1) % kSlots;
  return at;
}

bool KnownNames::look_up(std::string_view name) {
  const auto index = slots_[slot_of(name)];
  if (index == 0)
    return false;
  link(index);
  return true;
}

void KnownNames::link(std::uint16_t index) {
  auto& last = entries_[last_];
  last.next[last.followers++ % kFollowers] = {.lead = {}, .name = index};
  last_ = index;
}

void KnownNames::keep_lead(const char* from, std::size_t length) {
  for (auto& next : entries_[before_].next) {
    if (next.name == last_)
      next.lead.keep(from, length);
  }
}

bool KnownNames::add(std::string_view name) {
  const bool is_long = name.size() > 2 * kWord;
  full_ = full_ || entries_.size() == kMostEntries || (is_long && texts_.size() + name.size() > kMostText);
  if (full_)
    return false;
  const auto index = static_cast<std::uint16_t>(entries_.size());
  Entry entry{.head = head(name),
              .tail = tail(name),
              .round = round_,
              .length = static_cast<std::uint16_t>(name.size()),
              .text = static_cast<std::uint16_t>(texts_.size())};
  if (is_long)
    texts_ += name;
  slots_[slot_of(name)] = index;
  entries_.push_back(entry);
  link(index);
  return true;
}

}  // namespace usherd
