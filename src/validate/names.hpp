#pragma once

#include "src/validate/lead.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// api.md section 3: names and dotted paths, in characters, which for these names are bytes.
inline constexpr std::size_t kMostNameLength = 512;
inline constexpr std::size_t kMostProperties = 500;

/// Whether `name` is [A-Za-z][A-Za-z0-9_]*, of any length but 0.
[[nodiscard]] bool is_property_name(std::string_view name);

/// Names of properties that were found good, and which of them stood in the object at hand. Records of one
/// producer mostly have the same names in nearly the same order: the few that followed a name before are
/// looked at first. Forgets all when it has become full, between two objects.
class KnownNames {
 public:
  enum class Found : std::uint8_t { first, again, unknown };

  void begin_object() {
    if (full_ || ++round_ == 0)
      forget();
    last_ = 0;
  }
  /// Whether the name is known to be good, and whether this object had it before. `name` must come from a
  /// tape.
  [[nodiscard]] Found find(std::string_view name) {
    before_ = last_;
    for (const auto& next : entries_[last_].next) {
      if (is(entries_[next.name], name))
        return note(next.name);
    }
    return look_up(name) ? note(last_) : Found::unknown;
  }
  /// The same for the name that stands behind `at`, a brace or comma in a text, `length` bytes in front of
  /// its value. Knows the few that followed the last name before, if they stand just as they did then. For
  /// `at` see Lead::is().
  [[nodiscard]] Found follow(const char* at, std::size_t length) {
    for (const auto& next : entries_[last_].next) {
      if (next.lead.is(at, length))
        return note(next.name);
    }
    return Found::unknown;
  }
  /// Keeps how the name stands that was found or added last: `length` bytes from the brace or comma in front
  /// of it up to its value.
  void keep_lead(const char* from, std::size_t length);
  /// Of the name that was found, followed or added last.
  [[nodiscard]] std::size_t length() const { return entries_[last_].length; }
  /// Takes up a good name that find() did not know. False where there is no room: then nobody will know
  /// whether the object has it twice.
  [[nodiscard]] bool add(std::string_view name);

 private:
  static constexpr std::size_t kWord = sizeof(std::uint64_t);
  static constexpr std::size_t kSlots = 2048;
  static constexpr std::size_t kMostEntries = kSlots / 2;
  static_assert(kMostEntries > kMostProperties + 1);
  static constexpr std::size_t kFollowers = 4;
  // What texts_ may grow to: room for a hundred names of the longest kind.
  static constexpr std::size_t kMostText = 0xFFFF;

  /// A name that followed another, and how it stood there last.
  struct Next {
    Lead lead;
    std::uint16_t name = 0;  // in entries_
  };
  struct Entry {
    std::uint64_t head = ~std::uint64_t{0};  // of no name: one of length 0 has 0
    std::uint64_t tail = 0;
    std::uint32_t round = 0;  // the object that had it last
    std::uint16_t length = 0;
    std::uint16_t text = 0;  // in texts_, of a name that is longer than head and tail
    std::uint32_t followers = 0;
    std::array<Next, kFollowers> next{};  // the latest that followed it
  };
  static_assert(kMostEntries <= 0xFFFF && kMostNameLength <= 0xFFFF);

  [[nodiscard]] static std::uint64_t word(std::string_view name, std::size_t at) {
    std::uint64_t value = 0;
    std::memcpy(&value, name.data() + at, kWord);
    return value;
  }
  /// The first word, or all of a name of 1 to 8 bytes.
  [[nodiscard]] static std::uint64_t head(std::string_view name) {
    if (name.size() >= kWord)
      return word(name, 0);
    return name.empty() ? 0 : word(name, 0) << (8 * (kWord - name.size()));
  }
  [[nodiscard]] static std::uint64_t tail(std::string_view name) {
    return name.size() > kWord ? word(name, name.size() - kWord) : 0;
  }
  [[nodiscard]] bool is(const Entry& entry, std::string_view name) const {
    return entry.length == name.size() && entry.head == head(name) && entry.tail == tail(name) &&
           (entry.length <= 2 * kWord ||
            std::memcmp(texts_.data() + entry.text, name.data(), name.size()) == 0);
  }
  /// Notes that this object has the name.
  Found note(std::uint32_t index) {
    last_ = index;
    auto& round = entries_[index].round;
    const bool again = round == round_;
    round = round_;
    return again ? Found::again : Found::first;
  }
  [[nodiscard]] std::size_t slot_of(std::string_view name) const;
  bool look_up(std::string_view name);
  void link(std::uint16_t index);
  void forget();

  // The first one is none: what it is followed by begins an object.
  std::vector<Entry> entries_{Entry{}};
  std::array<std::uint16_t, kSlots> slots_{};  // indexes of entries by hash, 0: free
  std::string texts_;
  std::uint32_t last_ = 0;
  std::uint32_t before_ = 0;  // what stood before the one found or added last
  std::uint32_t round_ = 0;
  bool full_ = false;
};

}  // namespace usherd
