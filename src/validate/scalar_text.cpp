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

/// Where the digits from `at` on end.
std::size_t digits_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at]))
    ++at;
  return at;
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
  constexpr std::size_t kMostExponent = 2;
  if (text.size() <= 8) {
    const auto others = no_digits(text);
    const auto first = static_cast<std::size_t>(std::countr_zero(others)) / 8;
    const bool one_point = (others & (others - 1)) == 0 && others != 0 && text[first] == '.';
    if (others == 0 || (one_point && first > 0 && first + 1 < text.size()))
      return !text.empty() && (text.front() != '0' || text.size() == 1 || first == 1);
  }
  auto at = digits_end(text, 0);
  if (at == 0 || at > kMostDigits || (text.front() == '0' && at > 1))
    return false;
  if (at < text.size() && text[at] == '.') {
    const auto fraction = at + 1;
    at = digits_end(text, fraction);
    if (at == fraction)
      return false;
  }
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-'))
      ++at;
    const auto exponent = at;
    at = digits_end(text, exponent);
    if (at == exponent || at > exponent + kMostExponent)
      return false;
  }
  return at == text.size();
}

bool is_lone_unit(const char* digits) {
  unsigned wrong = 0;
  for (int i = 0; i < 4; ++i)
    wrong |= kHexDigit[static_cast<unsigned char>(digits[i])] ^ 1;
  const bool half = (digits[0] | 0x20) == 'd' && (digits[1] | 0x20) >= '8';
  return wrong == 0 && !half;
}

}  // namespace usherd
