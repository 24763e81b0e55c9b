#pragma once

#include "src/validate/tape.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace usherd {

/// api.md section 3: names and dotted paths, in characters, which for these names are bytes.
inline constexpr std::size_t kMostNameLength = 512;
inline constexpr std::size_t kMostProperties = 500;

/// Whether `name` is [A-Za-z][A-Za-z0-9_]*, of any length but 0.
[[nodiscard]] bool is_property_name(std::string_view name);

/// Which names of one object were seen already. Holds places on the tape, allocates nothing, and starts
/// afresh at no cost. At most kMostProperties + 1 names go in.
class SeenNames {
 public:
  void restart();
  /// False when the name stands in it already.
  bool add(const Tape& tape, std::size_t place, std::string_view name);

 private:
  struct Slot {
    std::uint32_t round = 0;
    std::uint32_t place = 0;
  };
  static constexpr std::size_t kSlots = 1024;
  static_assert(kSlots > kMostProperties + 1);

  std::array<Slot, kSlots> slots_{};
  std::uint32_t round_ = 0;
};

/// The first names of the last record's properties, all of them good and no two alike. Records of one
/// producer mostly have the same names in the same order, and a name that stands where it stood last time
/// needs no further check.
class LastNames {
 public:
  /// Whether the name at position `at` is the one that stood there. `name` must come from a tape.
  [[nodiscard]] bool holds(std::size_t at, std::string_view name) const {
    if (at >= size_ || names_[at].length != name.size())
      return false;
    const auto& last = names_[at];
    if (last.length <= kWord)
      return head(name) == last.head;
    return word(name, 0) == last.head && word(name, name.size() - kWord) == last.tail &&
           (last.length <= 2 * kWord || std::memcmp(last.text.data(), name.data(), name.size()) == 0);
  }
  /// Puts a good name at position `at` and forgets those behind it. The names in front of it must be those of
  /// the same record; one that was too long or too many to be kept ends what is remembered of it.
  void put(std::size_t at, std::string_view name);

 private:
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kWord = sizeof(std::uint64_t);
  static constexpr std::size_t kLongest = 64;
  struct Name {
    std::size_t length = 0;
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::array<char, kLongest> text{};
  };

  [[nodiscard]] static std::uint64_t word(std::string_view name, std::size_t at) {
    std::uint64_t value = 0;
    std::memcpy(&value, name.data() + at, kWord);
    return value;
  }
  /// The first word, or all of a name of 1 to 8 bytes.
  [[nodiscard]] static std::uint64_t head(std::string_view name) {
    return name.size() >= kWord ? word(name, 0) : word(name, 0) << (8 * (kWord - name.size()));
  }

  std::array<Name, kMost> names_;
  std::size_t size_ = 0;
};

}  // namespace usherd
