#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace usherd {

/// How many bytes find_bytes() looks at.
inline constexpr std::size_t kSearched = 64;

/// Which of 64 bytes are one of `kBytes`: bit n for byte n. Eight at a time, on any processor.
template <char... kBytes>
[[nodiscard]] std::uint64_t find_bytes_plainly(const char* from) {
  constexpr auto kOnes = ~std::uint64_t{0} / 255;
  constexpr auto kLow = kOnes * 0x7F;
  // The high bit of each byte that is zero, and no other.
  const auto zeros = [](std::uint64_t word) { return ~(((word & kLow) + kLow) | word | kLow); };
  std::uint64_t mask = 0;
  for (unsigned at = 0; at < kSearched; at += 8) {
    std::uint64_t word = 0;
    for (unsigned byte = 0; byte < 8; ++byte)
      word |= std::uint64_t{static_cast<unsigned char>(from[at + byte])} << (8 * byte);
    const auto found = (zeros(word ^ (kOnes * static_cast<unsigned char>(kBytes))) | ...);
    mask |= (found >> 7) * 0x0102'0408'1020'4080 >> 56 << at;
  }
  return mask;
}

/// The same, sixteen at a time where the processor can.
template <char... kBytes>
[[nodiscard]] std::uint64_t find_bytes(const char* from) {
#if defined(__SSE2__)
  std::uint64_t mask = 0;
  for (unsigned at = 0; at < kSearched; at += 16) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
    auto found = _mm_setzero_si128();
    ((found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(kBytes)))), ...);
    mask |= std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(found))} << at;
  }
  return mask;
#else
  return find_bytes_plainly<kBytes...>(from);
#endif
}

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
