#include "src/validate/names.hpp"

#include <algorithm>
#include <cstring>

namespace usherd {
namespace {

constexpr auto make_name_bytes() {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    allowed[static_cast<unsigned char>(c)] = true;
  return allowed;
}
constexpr auto kNameBytes = make_name_bytes();

/// Cheap and not keyed: names are compared when it matters, and an object of chosen names costs at most
/// kMostProperties comparisons a name.
std::uint64_t hash_name(std::string_view name) {
  std::uint64_t head = 0;
  std::memcpy(&head, name.data(), sizeof head);
  std::uint64_t tail = name.size();
  if (name.size() < sizeof head) {
    head &= (std::uint64_t{1} << (8 * name.size())) - 1;
  } else {
    std::uint64_t last = 0;
    std::memcpy(&last, name.data() + name.size() - sizeof last, sizeof last);
    tail += last * 0x9E3779B97F4A7C15;
  }
  const auto mixed = (head ^ tail) * 0xBF58476D1CE4E5B9;
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

void SeenNames::restart() {
  if (++round_ == 0) {
    slots_.fill({});
    round_ = 1;
  }
}

bool SeenNames::add(const Tape& tape, std::size_t place, std::string_view name) {
  for (auto at = hash_name(name) % kSlots;; at = (at + 1) % kSlots) {
    auto& slot = slots_[at];
    if (slot.round != round_) {
      slot = {round_, static_cast<std::uint32_t>(place)};
      return true;
    }
    if (tape.string(slot.place) == name)
      return false;
  }
}

void LastNames::put(std::size_t at, std::string_view name) {
  if (at > size_)
    return;
  size_ = at;
  if (at == kMost || name.empty() || name.size() > kLongest)
    return;
  auto& last = names_[at];
  last.length = name.size();
  last.head = head(name);
  last.tail = name.size() > kWord ? word(name, name.size() - kWord) : 0;
  std::copy(name.begin(), name.end(), last.text.begin());
  ++size_;
}

}  // namespace usherd
