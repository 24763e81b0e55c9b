#include "usherd/admin/code_tally.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace std::chrono_literals;
using usherd::CodeTally;
using usherd::RejectStage;
using usherd::WallTime;

constexpr WallTime kNow{1'000'000s};

TEST_CASE("the code seen last stands first, with its count") {
  CodeTally tally;
  tally.add(RejectStage::local, "empty_uid", 2, kNow);
  tally.add(RejectStage::api, "invalid_parameter", 1, kNow + 1s);
  tally.add(RejectStage::local, "empty_uid", 3, kNow + 2s);
  const auto latest = tally.latest();
  REQUIRE(latest.size() == 2);
  CHECK(latest[0].code == "empty_uid");
  CHECK(latest[0].count == 5);
  CHECK(latest[0].last == kNow + 2s);
  CHECK(latest[1].stage == RejectStage::api);
}

TEST_CASE("one code of two stages is two entries, and nothing refused is none") {
  CodeTally tally;
  tally.add(RejectStage::api, "other", 1, kNow);
  tally.add(RejectStage::unknown, "other", 1, kNow);
  tally.add(RejectStage::local, "empty_uid", 0, kNow);
  CHECK(tally.latest().size() == 2);
}

TEST_CASE("a server that invents codes without end fills a bounded table and loses no count") {
  CodeTally tally;
  for (int i = 0; i < 10'000; ++i)
    tally.add(i % 2 == 0 ? RejectStage::api : RejectStage::unknown, "code_" + std::to_string(i), 1,
              kNow + std::chrono::milliseconds(i));
  const auto latest = tally.latest();
  CHECK(latest.size() <= CodeTally::kMost);
  std::uint64_t sum = 0;
  for (const auto& entry : latest)
    sum += entry.count;
  CHECK(sum == 10'000);
  CHECK(latest.front().code == "code_9999");
}

}  // namespace
