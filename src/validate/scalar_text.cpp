#include "src/validate/scalar_text.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace usherd {
namespace {

constexpr auto make_hex_digits() {
  std::array<std::uint8_t, 256> digits{};
  for (const char c : std::string_view("0123456789abcdefABCDEF"))
    digits[static_cast<unsigned char>(c)] = 1;
  return digits;
}
constexpr auto kHexDigit = make_hex_digits();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Each byte of `text`, which has at most eight, that is no digit: its highest bit. Eight bytes must be
/// readable.
std::uint64_t no_digits(std::string_view text) {
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, text.data(), sizeof word);
  word ^= 0x3030303030303030;
  const auto mask = (((word & ~kHigh) + 0x7676767676767676) | word) & kHigh;
  return text.size() < 8 ? mask & ((std::uint64_t{1} << (8 * text.size())) - 1) : mask;
}

}  // namespace

bool is_small_number(std::string_view text) {
  constexpr std::size_t kMostDigits = 18;
  if (text.empty() || !is_digit(text.front()))
    return false;
  if (text.front() == '0' && text.size() > 1 && text[1] != '.')
    return false;
  std::size_t dot = text.size();
  if (text.size() <= 8) {
    const auto others = no_digits(text);
    if (others == 0)
      return true;
    dot = static_cast<std::size_t>(std::countr_zero(others)) / 8;
    return (others & (others - 1)) == 0 && text[dot] == '.' && dot + 1 < text.size();
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i]))
      continue;
    if (text[i] != '.' || dot != text.size() || i + 1 == text.size())
      return false;
    dot = i;
  }
  return dot <= kMostDigits;
}

bool is_lone_unit(const char* digits) {
  unsigned wrong = 0;
  for (int i = 0; i < 4; ++i)
    wrong |= kHexDigit[static_cast<unsigned char>(digits[i])] ^ 1;
  const bool half = (digits[0] | 0x20) == 'd' && (digits[1] | 0x20) >= '8';
  return wrong == 0 && !half;
}

}  // namespace usherd
