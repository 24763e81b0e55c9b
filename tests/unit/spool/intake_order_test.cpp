#include "tests/unit/spool/intakes.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

namespace {

/// In the order of their drops: those within one tick of the kernel's clock have the same time.
using Names = std::vector<std::string>;

/// The next file that is to move into working/ finds the disk full.
void fill_disk(Intakes& intakes) {
  intakes.disk.failure = Errc::no_space;
  // Its bytes are synced; then it is to move.
  intakes.disk.effects_left = 1;
}

void empty_disk(Intakes& intakes) {
  intakes.disk.effects_left = 1'000'000;
}

}  // namespace

TEST_CASE("What a full disk kept from being taken comes before what was dropped and announced since") {
  Intakes intakes;
  intakes.start();
  intakes.spool.drop("a_first.ndjson", "{}\n");
  fill_disk(intakes);
  intakes.watch.tell("a_first.ndjson");
  intakes.poll();
  REQUIRE(intakes.intake->parked());
  intakes.spool.drop("b_second.ndjson", "{}\n");
  intakes.watch.tell("b_second.ndjson");
  empty_disk(intakes);
  intakes.pass(40s);
  CHECK_FALSE(intakes.intake->parked());
  CHECK(intakes.accepted() == Names{"a_first.ndjson", "b_second.ndjson"});
}

TEST_CASE("What a full disk kept from being taken comes before what settled meanwhile") {
  for (const bool drains : {false, true}) {
    CAPTURE(drains);
    Intakes intakes;
    intakes.spool.drop("a_first.ndjson", "{}\n");
    intakes.spool.drop("b_second.ndjson", "{");
    if (drains)
      intakes.start_drain();
    else
      intakes.start();
    intakes.pass(9500ms);
    intakes.spool.drop("b_second.ndjson", "{}\n");
    fill_disk(intakes);
    intakes.pass(1s);
    REQUIRE(intakes.intake->parked());
    empty_disk(intakes);
    intakes.pass(60s);
    CHECK_FALSE(intakes.intake->parked());
    CHECK(intakes.accepted() == Names{"a_first.ndjson", "b_second.ndjson"});
  }
}

TEST_CASE("What was dropped when events were lost comes before what is announced after it") {
  Intakes intakes;
  intakes.start();
  intakes.spool.drop("a_first.ndjson", "{}\n");
  intakes.watch.overflow();
  intakes.poll();
  intakes.spool.drop("b_second.ndjson", "{}\n");
  intakes.watch.tell("b_second.ndjson");
  intakes.pass(12s);
  CHECK(intakes.accepted() == Names{"a_first.ndjson", "b_second.ndjson"});
}

TEST_CASE(
    "What stood there at the start comes before what is announced, also where one look does not hold it "
    "all") {
  Intakes intakes(2);
  Names expected;
  for (const auto* name : {"a1.ndjson", "a2.ndjson", "a3.ndjson", "a4.ndjson", "a5.ndjson"}) {
    intakes.spool.drop(name, "{}\n");
    expected.emplace_back(name);
  }
  intakes.timers.jump_wall(1h);
  intakes.start();
  intakes.spool.drop("a6.ndjson", "{}\n");
  intakes.watch.tell("a6.ndjson");
  expected.emplace_back("a6.ndjson");
  intakes.pass(10s);
  CHECK(intakes.accepted() == expected);
  // From then on nothing waits.
  intakes.spool.drop("b7.ndjson", "{}\n");
  intakes.watch.tell("b7.ndjson");
  intakes.poll();
  CHECK(intakes.accepted().size() == expected.size() + 1);
}

TEST_CASE("A lowered settle time lets announced files go on, behind all that stood there at the start") {
  Intakes intakes(2);
  intakes.intake->reload(1h, 1h, 1);
  for (const auto* name : {"a_old.ndjson", "b_old.ndjson", "c_old.ndjson"})
    intakes.spool.drop(name, "");
  intakes.start();
  intakes.pass(10s);
  intakes.spool.drop("announced.ndjson", "");
  intakes.watch.tell("announced.ndjson");
  intakes.pass(10s);
  CHECK(intakes.accepted().empty());
  // More than one look holds is due at once.
  intakes.intake->reload(1s, 1h, 1);
  intakes.poll();
  CHECK(intakes.accepted() == Names{"a_old.ndjson", "b_old.ndjson", "c_old.ndjson", "announced.ndjson"});
}
