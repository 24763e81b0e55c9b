#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

TEST_CASE("A disk that does not give the ledger at a start is no fault of the configuration") {
  World::Options options;
  options.settings.job_time.fixed = 1h;
  World world(options);
  world.drop("a.ndjson", R"({"uid":"a"})");
  REQUIRE(world.start());
  world.run_for(1min);
  REQUIRE_FALSE(world.exit());
  world.stop();
  REQUIRE(world.start());
  world.sqlite.refuse_reads(true);
  world.run_for(1min);
  // Not 78, after which systemd would leave it stopped.
  CHECK(world.exit() == ExitCode::failure);
  world.crash(Loss::nothing);
  world.sqlite.refuse_reads(false);
  REQUIRE(world.start());
  CHECK(world.run_until(2h, [&] { return world.settled(); }));
}

}  // namespace
}  // namespace usherd::flow
