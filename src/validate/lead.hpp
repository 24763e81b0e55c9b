#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace usherd {

/// How a member's name once stood in a line: every byte from the brace or comma in front of it up to its
/// value. Where the same bytes stand again, so do the same tokens. Kept as words that overlap: the first
/// two and the last two of eight bytes each.
class Lead {
 public:
  static constexpr std::size_t kMostBytes = 32;
  /// So many bytes must be readable behind a brace or comma that is looked at.
  static constexpr std::size_t kWord = sizeof(std::uint64_t);

  /// Keeps the `length` bytes from `at` on; none, if they are too many.
  void keep(const char* at, std::size_t length) {
    length_ = length > kMostBytes ? 0 : static_cast<std::uint32_t>(length);
    if (length_ >= 2 * kWord) {
      second_ = word(at + kWord);
      before_last_ = word(at + length - 2 * kWord);
    }
    first_ = first(at, length);
    if (length_ >= kWord)
      last_ = word(at + length - kWord);
  }
  /// Whether the `length` bytes from `at` on are it.
  [[nodiscard]] bool is(const char* at, std::size_t length) const {
    if (length != length_ || first(at, length) != first_)
      return false;
    if (length < kWord)
      return length > 0;
    return word(at + length - kWord) == last_ &&
           (length < 2 * kWord ||
            (word(at + kWord) == second_ && word(at + length - 2 * kWord) == before_last_));
  }

 private:
  [[nodiscard]] static std::uint64_t word(const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, kWord);
    return value;
  }
  /// The first word, or all of fewer bytes.
  [[nodiscard]] static std::uint64_t first(const char* at, std::size_t length) {
    return length >= kWord ? word(at) : length == 0 ? 0 : word(at) << (8 * (kWord - length));
  }

  std::uint64_t first_ = 0;
  std::uint64_t second_ = 0;
  std::uint64_t before_last_ = 0;
  std::uint64_t last_ = 0;
  std::uint32_t length_ = 0;  // 0: none
};

}  // namespace usherd
