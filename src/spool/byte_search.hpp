#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace usherd {

/// Steps over bytes that are none of `kBytes`, nor below `kBelow`, eight at a time; stops at one that is, or
/// less than eight in front of the end: whoever asks looks at the rest singly.
template <unsigned char kBelow, char... kBytes>
[[nodiscard]] const char* skip_others(const char* from, const char* end) {
  if constexpr (std::endian::native != std::endian::little)
    return from;
  constexpr auto kOnes = ~std::uint64_t{0} / 255;
  constexpr auto kHigh = kOnes * 0x80;
  // The lowest bit that is set stands for the first such byte; those above it may be wrong.
  const auto zeros = [](std::uint64_t word) { return (word - kOnes) & ~word & kHigh; };
  for (; end - from >= 8; from += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    std::uint64_t found = (word - kOnes * kBelow) & ~word & kHigh;
    ((found |= zeros(word ^ (kOnes * static_cast<unsigned char>(kBytes)))), ...);
    if (found != 0)
      return from + std::countr_zero(found) / 8;
  }
  return from;
}

}  // namespace usherd
