#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

constexpr const char* kEnd = "/spool/done/a.ndjson";

World::Options kept_for_an_hour() {
  World::Options options;
  options.config.spool.keep_done = Milliseconds(1h);
  options.config.batch.linger = Milliseconds(100);
  options.settings.job_time.fixed = 200ms;
  return options;
}

void drop(World& world, const std::string& name) {
  world.drop(name, fmt::format("{{\"uid\":\"{}\",\"properties\":{{\"p\":1}}}}\n", name));
}

TEST_CASE("What has ended is settled before all is removed that was kept long enough") {
  World world(kept_for_an_hour());
  for (int i = 0; i < 2000; ++i)
    drop(world, fmt::format("old{}.ndjson", i));
  REQUIRE(world.start());
  REQUIRE(world.run_until(1h, [&] { return world.settled(); }));
  world.files.bar(kEnd);
  drop(world, "a.ndjson");
  REQUIRE(world.run_until(1min, [&] { return world.files.barred_renames() > 0; }));
  world.stop();
  world.files.unbar();
  world.pass(2h);

  const auto kept = [&] { return world.disk.names("/spool/done").size(); };
  std::size_t kept_at_its_end = 0;
  world.files.on_rename = [&](const std::string& to) {
    if (to == kEnd)
      kept_at_its_end = kept();
  };
  REQUIRE(world.start());
  REQUIRE(world.run_until(1min, [&] { return world.disk.exists(kEnd); }));
  CHECK(kept_at_its_end > 2);
  CHECK(world.run_until(1min, [&] { return kept() == 2; }));
  world.stop();
}

TEST_CASE("A ledger's disk without room for what is to be forgotten holds up nothing else") {
  World world(kept_for_an_hour());
  for (int i = 0; i < 300; ++i)
    drop(world, fmt::format("old{}.ndjson", i));
  REQUIRE(world.start());
  REQUIRE(world.run_until(1h, [&] { return world.settled(); }));
  std::size_t room = 0;
  SUBCASE("at once") {
    room = 150'000;
  }
  SUBCASE("at all") {
    room = 8'000;
  }
  world.sqlite.allow_commits_of(room);
  const auto kept = [&] { return world.disk.names("/spool/done").size(); };
  CHECK(world.run_until(3h, [&] { return kept() == 0; }));
  world.run_for(1h);
  CHECK_FALSE(world.parked(ParkReason::disk));
  world.sqlite.allow_commits_of(10'000'000);
  drop(world, "late.ndjson");
  CHECK(world.run_until(1min, [&] { return world.disk.exists("/spool/done/late.ndjson"); }));
  world.stop();
}

}  // namespace
}  // namespace usherd::flow
