#pragma once

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

/// Names of properties that were found good, and which of them stood in the record at hand. Records of one
/// producer mostly have the same names in nearly the same order: whatever followed a name last time is looked
/// at first. Forgets all when it has become full, between two records.
class KnownNames {
 public:
  enum class Found : std::uint8_t { first, again, unknown };

  void begin_record();
  /// Whether the name is known to be good, and whether this record had it before. `name` must come from a
  /// tape.
  [[nodiscard]] Found find(std::string_view name) {
    const auto likely = entries_[last_].next;
    if (is(entries_[likely], name))
      last_ = likely;
    else if (!look_up(name))
      return Found::unknown;
    auto& round = entries_[last_].round;
    const bool again = round == round_;
    round = round_;
    return again ? Found::again : Found::first;
  }
  /// Takes up a good name that find() did not know. False where there is no room: then nobody will know
  /// whether the record has it twice.
  [[nodiscard]] bool add(std::string_view name);

 private:
  static constexpr std::size_t kWord = sizeof(std::uint64_t);
  static constexpr std::size_t kSlots = 2048;
  static constexpr std::size_t kMostEntries = kSlots / 2;
  static_assert(kMostEntries > kMostProperties + 1);
  static constexpr std::uint32_t kNoName = ~std::uint32_t{0};

  struct Entry {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::uint32_t length = kNoName;
    std::uint32_t next = 0;   // what followed it last time
    std::uint32_t round = 0;  // the record that had it last
    std::uint32_t text = 0;   // in texts_, of a name that is longer than head and tail
  };

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
  [[nodiscard]] std::size_t slot_of(std::string_view name) const;
  bool look_up(std::string_view name);
  void forget();

  // The first one is none: what it is followed by begins a record.
  std::vector<Entry> entries_{Entry{}};
  std::array<std::uint16_t, kSlots> slots_{};  // indexes of entries by hash, 0: free
  std::string texts_;
  std::uint32_t last_ = 0;
  std::uint32_t round_ = 0;
  bool full_ = false;
};

}  // namespace usherd
