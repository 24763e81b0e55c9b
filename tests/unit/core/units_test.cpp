#include "usherd/core/units.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using usherd::format_duration;
using usherd::format_size;
using usherd::Milliseconds;
using usherd::parse_duration;
using usherd::parse_size;
using usherd::spell_duration;
using usherd::spell_size;

TEST_CASE("sizes are whole numbers with binary units") {
  struct Row {
    std::string text;
    std::uint64_t bytes;
  };
  const Row rows[] = {{"0", 0},
                      {"4096", 4096},
                      {"1B", 1},
                      {"1KiB", 1024},
                      {"8MiB", 8'388'608},
                      {"64GiB", 68'719'476'736},
                      {"9223372036854775807", 9'223'372'036'854'775'807ULL},
                      {"8589934591GiB", 8'589'934'591ULL << 30}};
  for (const auto& [text, bytes] : rows) {
    CAPTURE(text);
    REQUIRE(parse_size(text).has_value());
    CHECK(*parse_size(text) == bytes);
  }
}

TEST_CASE("what is not a size is refused") {
  for (const std::string text :
       {"", "MiB", "-1", "+1", " 1", "1 ", "8 MiB", "8mib", "8MB", "8M", "1.5MiB", "1KiB1KiB", "0x10",
        "9223372036854775808", "8589934592GiB", "99999999999999999999999"}) {
    CAPTURE(text);
    CHECK(parse_size(text).has_error());
  }
  for (const std::string text : {"8MB", "", "many"})
    CHECK(parse_size(text).error().message.find("KiB, MiB or GiB") != std::string::npos);
}

TEST_CASE("durations are whole numbers with a unit") {
  struct Row {
    std::string text;
    std::int64_t milliseconds;
  };
  const Row rows[] = {{"0", 0},        {"0s", 0},         {"250ms", 250},      {"10s", 10'000},
                      {"5m", 300'000}, {"2h", 7'200'000}, {"7d", 604'800'000}, {"36525d", 3'155'760'000'000}};
  for (const auto& [text, milliseconds] : rows) {
    CAPTURE(text);
    REQUIRE(parse_duration(text).has_value());
    CHECK(parse_duration(text)->count() == milliseconds);
  }
}

TEST_CASE("what is not a duration is refused, and so is a number whose unit would be a guess") {
  for (const std::string text :
       {"", "s", "1", "10", "-1s", "1.5s", "1 s", "1S", "1min", "1h30m", "36526d", "99999999999999999999s"}) {
    CAPTURE(text);
    CHECK(parse_duration(text).has_error());
  }
  for (const std::string text : {"10", "", "-1s", "soon"})
    CHECK(parse_duration(text).error().message.find("ms, s, m, h or d") != std::string::npos);
}

TEST_CASE("spelled sizes and durations are taken back as what they were") {
  for (const std::string text : {"0B", "1B", "1023B", "1KiB", "1025B", "2MiB", "1024GiB", "8589934591GiB"}) {
    CAPTURE(text);
    CHECK(spell_size(parse_size(text).value()) == text);
  }
  for (const std::string text : {"0ms", "1ms", "1001ms", "1s", "90s", "10m", "25h", "1d", "36500d"}) {
    CAPTURE(text);
    CHECK(spell_duration(parse_duration(text).value()) == text);
  }
}

TEST_CASE("sizes are shown with one decimal, and never as 1024 of a unit") {
  struct Row {
    std::uint64_t bytes;
    std::string text;
  };
  const Row rows[] = {{0, "0 B"},
                      {1023, "1023 B"},
                      {1024, "1.0 KiB"},
                      {1536, "1.5 KiB"},
                      {1'048'575, "1.0 MiB"},
                      {1'048'576, "1.0 MiB"},
                      {8ULL << 20, "8.0 MiB"},
                      {64ULL << 30, "64.0 GiB"},
                      {3ULL << 50, "3072.0 TiB"}};
  for (const auto& [bytes, text] : rows)
    CHECK(format_size(bytes) == text);
}

TEST_CASE("durations are shown in their two largest units") {
  struct Row {
    std::int64_t milliseconds;
    std::string text;
  };
  const Row rows[] = {
      {0, "0ms"},           {999, "999ms"},        {1000, "1.0s"},         {3250, "3.2s"},
      {59'999, "59.9s"},    {60'000, "1m 0s"},     {3'599'999, "59m 59s"}, {3'600'000, "1h 0m"},
      {3'900'000, "1h 5m"}, {86'400'000, "1d 0h"}, {180'000'000, "2d 2h"}};
  for (const auto& [milliseconds, text] : rows)
    CHECK(format_duration(Milliseconds{milliseconds}) == text);
}
