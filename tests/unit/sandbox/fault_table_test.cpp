#include "src/sandbox/fault_table.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

namespace {

FaultTable table_of(std::string_view json) {
  FaultTable table;
  auto rules = parse_faults(json);
  REQUIRE(rules.has_value());
  table.add(std::move(*rules));
  return table;
}

/// Which of ten create requests are struck: "." or "x" each.
std::string struck(FaultTable& table, FaultMoment moment, std::uint64_t seed = 1) {
  Random random(seed);
  std::string out;
  for (int i = 0; i < 10; ++i)
    out += table.pick(moment, Call::create, random) ? 'x' : '.';
  return out;
}

}  // namespace

TEST_CASE("a rule skips, fires and stops as it says") {
  struct Row {
    std::string_view rule;
    std::string_view expected;
  };
  constexpr std::array kRows = std::to_array<Row>(
      {{R"({"action":"reset_before"})", "xxxxxxxxxx"},
       {R"({"action":"reset_before","times":2})", "xx........"},
       {R"({"action":"reset_before","after":3,"times":1})", "...x......"},
       {R"({"action":"reset_before","call":"status"})", ".........."},
       {R"({"action":"reset_before","call":"any","times":1})", "x........."},
       {R"({"action":"reset_before","probability":0})", ".........."},
       {R"([{"action":"hang","times":1},{"action":"reset_before","after":1,"times":1}])", "x.x......."}});
  for (const Row& row : kRows) {
    CAPTURE(row.rule);
    FaultTable table = table_of(row.rule);
    CHECK(struck(table, FaultMoment::arrival) == row.expected);
  }
}

TEST_CASE("chance repeats with its seed") {
  constexpr std::string_view kRule = R"({"action":"reset_before","probability":0.5})";
  FaultTable first = table_of(kRule);
  FaultTable second = table_of(kRule);
  const std::string hits = struck(first, FaultMoment::arrival, 7);
  CHECK(hits == struck(second, FaultMoment::arrival, 7));
  CHECK(hits.find('x') != std::string::npos);
  CHECK(hits.find('.') != std::string::npos);
}

TEST_CASE("each action acts at its moment, and a status by its layer") {
  struct Row {
    std::string_view rule;
    FaultMoment moment;
  };
  constexpr std::array kRows =
      std::to_array<Row>({{R"({"action":"redirect"})", FaultMoment::arrival},
                          {R"({"action":"status","code":500})", FaultMoment::execution},
                          {R"({"action":"status","code":503})", FaultMoment::arrival},
                          {R"({"action":"status","code":503,"layer":"api"})", FaultMoment::execution},
                          {R"({"action":"status","code":500,"body":"html"})", FaultMoment::arrival},
                          {R"({"action":"job_vanish"})", FaultMoment::execution},
                          {R"({"action":"reset_after_commit"})", FaultMoment::answer},
                          {R"({"action":"close_after"})", FaultMoment::answer}});
  for (const Row& row : kRows) {
    CAPTURE(row.rule);
    CHECK(moment_of(parse_faults(row.rule)->front()) == row.moment);
  }
}

TEST_CASE("a rule for a uid waits until the body is known") {
  FaultTable table = table_of(R"({"call":"create","batch_contains_uid":"u7","action":"reset_before"})");
  CHECK(table.wants_uids());
  Random random(1);
  CHECK_FALSE(table.pick(FaultMoment::arrival, Call::create, random));
  CHECK_FALSE(table.pick(FaultMoment::arrival, Call::create, random, [](std::string_view) { return false; }));
  CHECK(table.pick(FaultMoment::arrival, Call::create, random,
                   [](std::string_view uid) { return uid == "u7"; }));
}

TEST_CASE("a moment asked for uid rules alone leaves the others uncounted") {
  FaultTable table = table_of(R"({"action":"reset_before","times":1})");
  Random random(1);
  const auto holds = [](std::string_view) { return true; };
  CHECK_FALSE(table.pick(FaultMoment::arrival, Call::create, random, holds, true));
  CHECK(table.pick(FaultMoment::arrival, Call::create, random, holds));
}

TEST_CASE("a faulty rule is refused by the member that is wrong") {
  struct Row {
    std::string_view rule;
    std::string_view named;
  };
  constexpr std::array kRows =
      std::to_array<Row>({{R"({"call":"create"})", "action"},
                          {R"({"action":"explode"})", "action"},
                          {R"({"action":"hang","call":"creat"})", "call"},
                          {R"({"action":"hang","often":1})", "often"},
                          {R"({"action":"hang","probability":2})", "probability"},
                          {R"({"action":"status","code":99})", "code"},
                          {R"({"action":"status","retry_after":"a\r\nX: 1"})", "retry_after"},
                          {"7", "object"},
                          {"[7]", "object"}});
  for (const Row& row : kRows) {
    CAPTURE(row.rule);
    const auto rules = parse_faults(row.rule);
    REQUIRE_FALSE(rules.has_value());
    CHECK(rules.error().message.find(row.named) != std::string::npos);
  }
}

TEST_CASE("the table tells how often each rule matched and fired") {
  FaultTable table = table_of(R"({"action":"status","code":429,"retry_after":7,"after":1,"times":1})");
  (void)struck(table, FaultMoment::execution);
  CHECK(table.json().find(R"("matched":2,"fired":1)") != std::string::npos);
  CHECK(table.json().find(R"("retry_after":"7")") != std::string::npos);
}
