#include "src/spool/byte_search.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

using namespace usherd;

TEST_CASE("Others are stepped over, and never one of those that are looked for") {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 40, 'x');
    // Neighbours of those looked for, high bytes, and they themselves.
    const std::string bytes = "\x01\x1F\x20\x21\"#[\\]\x7F\x80\xA2\xDC\xFFx,\n";
    for (auto& byte : text)
      byte = random() % 4 == 0 ? bytes[random() % bytes.size()] : 'x';
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto check = [&](const char* found, const auto& is_one) {
      const auto* const first = std::find_if(begin, end, is_one);
      REQUIRE(found <= first);
      REQUIRE((found == first || end - found < 8));
    };
    check(skip_others<0x20, '"', '\\'>(begin, end),
          [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; });
    check(skip_others<0, ',', '\n', '"'>(begin, end),
          [](char c) { return c == ',' || c == '\n' || c == '"'; });
  }
}

TEST_CASE("Of 64 bytes exactly those that are looked for are told") {
  std::mt19937 random(2);
  for (int round = 0; round < 20'000; ++round) {
    std::array<char, kSearched> bytes{};
    // Beside a hit a byte that differs in one bit is taken for one by careless arithmetic.
    const std::string_view likely = "\x01,-\n\x0B\"#x\xAC\x8A\xA2";
    for (auto& byte : bytes)
      byte = random() % 2 == 0 ? likely[random() % likely.size()] : static_cast<char>(random());
    std::uint64_t expected = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const bool is_one = bytes[at] == ',' || bytes[at] == '\n' || bytes[at] == '"';
      expected |= std::uint64_t{is_one} << at;
    }
    REQUIRE(find_bytes<',', '\n', '"'>(bytes.data()) == expected);
    REQUIRE(find_bytes_plainly<',', '\n', '"'>(bytes.data()) == expected);
  }
}
