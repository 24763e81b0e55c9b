#include "usherd/ledger/manifest.hpp"

#include "tests/unit/ledger/scratch.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

namespace usherd {
namespace {

Manifest sample() {
  Manifest manifest;
  manifest.runs = {
      {7, 0, 4096, 1, 16}, {7, 4097, 300, 17, 1}, {7, 9000, 1, 40, 2}, {6, 5, 10, 2, 1}, {900, 0, 1, 1, 1}};
  manifest.literals = {
      {0, 250, {{6, 77, 20, 3, 1}, {7, 8000, 25, 39, 1}}}, {251, 90, {{900, 10, 5, 2, 1}}}, {9, 0, {}}};
  return manifest;
}

constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace

TEST_CASE("a manifest comes back as it was written") {
  CHECK(Manifest::decode(sample().encode()).value() == sample());
  CHECK(Manifest::decode(Manifest{}.encode()).value() == Manifest{});
  Manifest extreme;
  extreme.runs = {{kMost, kMost, 0, kMost, 0}, {0, 0, kMost, 0, 0xFFFFFFFF}};
  CHECK(Manifest::decode(extreme.encode()).value() == extreme);
}

TEST_CASE("a manifest counts what the API sees and what the spool gave") {
  CHECK(sample().operations() == 16 + 1 + 2 + 1 + 1 + 3);
  CHECK(sample().records() == 16 + 1 + 2 + 1 + 1 + 2 + 1);
}

TEST_CASE("neighbouring runs of one file take a few bytes each") {
  Manifest manifest;
  for (std::uint64_t i = 0; i < 1000; ++i)
    manifest.runs.push_back({3, i * 201, 200, 1 + i, 1});
  CHECK(manifest.encode().size() <= 1000 * 6 + 16);
}

TEST_CASE("bytes that are no manifest are refused") {
  CHECK(Manifest::decode("").error().code == Errc::corrupt);
  CHECK(Manifest::decode(std::string_view("\x02\x00\x00", 3)).error().code == Errc::corrupt);
  const auto whole = sample().encode();
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK(Manifest::decode(std::string_view(whole).substr(0, length)).has_error());
  CHECK(Manifest::decode(whole + '\0').has_error());
  // A count of 2^63 runs asks for no memory.
  CHECK(Manifest::decode("\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01").has_error());
}

TEST_CASE("numbers that would overflow a reader's sums are refused") {
  Manifest manifest;
  manifest.runs = {{1, kMost, 1, 1, 1}};
  CHECK(Manifest::decode(manifest.encode()).has_error());
  manifest.runs = {{1, 0, 1, kMost, 1}};
  CHECK(Manifest::decode(manifest.encode()).has_error());
  manifest.runs = {{1, kMost + 1, 0, 1, 1}};
  CHECK(Manifest::decode(manifest.encode()).has_error());
}

TEST_CASE("damage of any byte gives an error or another manifest, and each manifest has one spelling") {
  std::mt19937 random(20261124);
  const auto whole = sample().encode();
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = whole;
    for (unsigned hits = random() % 3 + 1; hits > 0; --hits)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0)
      bytes.resize(random() % (bytes.size() + 1));
    const auto decoded = Manifest::decode(bytes);
    if (decoded)
      CHECK(decoded->encode() == bytes);
    else
      CHECK(decoded.error().code == Errc::corrupt);
  }
}

}  // namespace usherd
