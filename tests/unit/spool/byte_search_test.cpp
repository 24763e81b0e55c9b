#include "src/spool/byte_search.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

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
