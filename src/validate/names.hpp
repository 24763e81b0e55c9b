#pragma once

#include "src/validate/tape.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
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

}  // namespace usherd
