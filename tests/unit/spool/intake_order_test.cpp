#include "tests/unit/spool/intakes.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

namespace {

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
  intakes.spool.drop("z_first.ndjson", "{}\n");
  fill_disk(intakes);
  intakes.watch.tell("z_first.ndjson");
  intakes.poll();
  REQUIRE(intakes.intake->parked());
  intakes.spool.drop("a_second.ndjson", "{}\n");
  intakes.watch.tell("a_second.ndjson");
  empty_disk(intakes);
  intakes.pass(40s);
  CHECK_FALSE(intakes.intake->parked());
  CHECK(intakes.accepted() == Names{"z_first.ndjson", "a_second.ndjson"});
}

TEST_CASE("What a full disk kept from being taken comes before what settled meanwhile") {
  for (const bool drains : {false, true}) {
    CAPTURE(drains);
    Intakes intakes;
    intakes.spool.drop("z_first.ndjson", "{}\n");
    intakes.spool.drop("a_second.ndjson", "{");
    if (drains)
      intakes.start_drain();
    else
      intakes.start();
    intakes.pass(9500ms);
    intakes.spool.drop("a_second.ndjson", "{}\n");
    fill_disk(intakes);
    intakes.pass(1s);
    REQUIRE(intakes.intake->parked());
    empty_disk(intakes);
    intakes.pass(60s);
    CHECK_FALSE(intakes.intake->parked());
    CHECK(intakes.accepted() == Names{"z_first.ndjson", "a_second.ndjson"});
  }
}

TEST_CASE("What was dropped when events were lost comes before what is announced after it") {
  Intakes intakes;
  intakes.start();
  intakes.spool.drop("z_first.ndjson", "{}\n");
  intakes.watch.overflow();
  intakes.poll();
  intakes.spool.drop("a_second.ndjson", "{}\n");
  intakes.watch.tell("a_second.ndjson");
  intakes.pass(12s);
  CHECK(intakes.accepted() == Names{"z_first.ndjson", "a_second.ndjson"});
}
