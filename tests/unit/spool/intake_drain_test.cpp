#include "tests/unit/spool/intakes.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

/// Times by the first letter: a's before now, b's after the clock was set back, l's soon.
void set_times(Intakes& intakes) {
  intakes.disk.change_stat = [began = intakes.timers.now().wall.time_since_epoch()](const std::string& path,
                                                                                    FileStat& found) {
    const auto first = path[path.rfind('/') + 1];
    const auto ahead = first == 'a'   ? Milliseconds(-60s)
                       : first == 'b' ? Milliseconds(48h)
                                      : Milliseconds(1s);
    if (first == 'a' || first == 'b' || first == 'l')
      found.changed_ns = std::chrono::nanoseconds(began + ahead).count();
  };
}

/// As a producer does that always takes the same name.
void drop_over(Intakes& intakes, const std::string& name) {
  intakes.spool.drop(".new", "{}");
  REQUIRE(std::rename(intakes.path(".new").c_str(), intakes.path(name).c_str()) == 0);
}

/// A drain of a.ndjson and b.ndjson until it ends, with another file at every second second.
void drain_beside_drops(Intakes& intakes) {
  intakes.spool.drop("a.ndjson", "{}");
  intakes.spool.drop("b.ndjson", "{}");
  set_times(intakes);
  intakes.start_drain();
  for (int second = 0; second < 40 && !intakes.drained; ++second) {
    if (second % 2 == 1)
      intakes.spool.drop(fmt::format("late{}.ndjson", second), "{}");
    intakes.pass(1s);
  }
  REQUIRE(intakes.drained);
}

}  // namespace

TEST_CASE("a drain leaves what comes later, also when the time of one file lies days ahead") {
  Intakes intakes;
  drain_beside_drops(intakes);
  CHECK(intakes.accepted() == Names{"a.ndjson", "b.ndjson"});
  const auto& report = **intakes.drained;
  REQUIRE(report.left_count > 0);
  CHECK(std::all_of(report.left.begin(), report.left.end(),
                    [](const LeftFile& file) { return file.reason == LeftReason::later; }));
}

TEST_CASE("a drain that cannot remember all of its files takes none whose time lies after its start") {
  Intakes intakes(ScanOptions::kMostFiles, 0);
  drain_beside_drops(intakes);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}

TEST_CASE("what takes the name of a drain's file came later, however often that happens") {
  Intakes intakes;
  intakes.spool.drop("always.ndjson", "{}");
  intakes.spool.drop("growing.ndjson", "");
  intakes.start_drain();
  for (int second = 0; second < 40; ++second) {
    intakes.pass(1s);
    if (second % 5 == 4)
      intakes.spool.drop("growing.ndjson", std::string(static_cast<std::size_t>(second), ' '));
    // It was taken, and is dropped anew.
    if (second == 15 || second == 30)
      drop_over(intakes, "always.ndjson");
  }
  CHECK(intakes.accepted() == Names{"always.ndjson"});
  intakes.pass(20s);
  REQUIRE(intakes.drained);
  CHECK(intakes.accepted() == Names{"always.ndjson", "growing.ndjson"});
  CHECK((*intakes.drained)->left_count == 1);
}
