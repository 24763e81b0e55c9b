#include "tests/unit/spool/intakes.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

using Names = std::vector<std::string>;

TEST_CASE("a drain that has nothing to take in waits for no room on the disk") {
  Intakes intakes;
  intakes.free = 1000;
  // A crash left it in working/ without a row: it was taken, and is still to be delivered.
  write_file(intakes.spool.layout.working() + "/" + SpoolLayout::working_name(1, "taken.ndjson"), "{}");
  intakes.start_drain();
  REQUIRE(intakes.drained);
  REQUIRE(intakes.drained->has_value());
  CHECK_FALSE(intakes.intake->parked());
  CHECK((*intakes.drained)->accepted == 1);
  CHECK(intakes.accepted() == Names{"taken.ndjson"});
  CHECK(intakes.intake->last_free_bytes() == 1000);
}

TEST_CASE(
    "a drain with something to take in waits for room, until there is some or nothing is left to take") {
  for (const bool is_removed : {false, true}) {
    CAPTURE(is_removed);
    Intakes intakes;
    intakes.spool.drop("a.ndjson", "");
    intakes.free = 1000;
    intakes.start_drain();
    intakes.pass(60s);
    CHECK_FALSE(intakes.drained);
    REQUIRE(intakes.intake->parked());
    if (is_removed)
      std::filesystem::remove(intakes.path("a.ndjson"));
    else
      intakes.free = std::uint64_t{1} << 40;
    intakes.pass(60s);
    REQUIRE(intakes.drained);
    CHECK_FALSE(intakes.intake->parked());
    CHECK((*intakes.drained)->accepted == (is_removed ? 0 : 1));
  }
}

TEST_CASE("a drain that took the last file with the last room waits for no more") {
  Intakes intakes;
  intakes.spool.drop("a.ndjson", "");
  intakes.disk.before_open = [&](const std::string& path) -> Result<void> {
    if (path.ends_with("incoming/a.ndjson"))
      intakes.free = 1000;
    return {};
  };
  intakes.start_drain();
  intakes.pass(30s);
  REQUIRE(intakes.drained);
  CHECK((*intakes.drained)->accepted == 1);
  CHECK(intakes.free == 1000);
}
