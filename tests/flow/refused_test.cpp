#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

TEST_CASE("What is parked as refused stays so over a restart, and costs no further record") {
  for (const bool crash : {false, true}) {
    CAPTURE(crash);
    World::Options options;
    options.config.batch.linger = Milliseconds(100);
    options.settings.job_time.fixed = 1s;
    World world(options);
    sandbox::FaultRule refuses;
    refuses.call = sandbox::Call::create;
    refuses.code = 400;
    world.server.organisation.faults.add({refuses});
    std::string text;
    for (int seq = 1; seq <= 64; ++seq)
      text += fmt::format(R"({{"uid":"u{}","properties":{{"seq":{},"p{}":1}}}})", seq, seq, seq) + "\n";
    world.drop("a.ndjson", text);
    REQUIRE(world.start());
    REQUIRE(world.run_until(10min, [&] { return world.parked(ParkReason::refused); }));
    world.run_for(1min);
    const auto posts = world.server.organisation.oracle().posts;
    for (int round = 0; round < 2; ++round) {
      if (crash)
        world.crash(Loss::everything);
      else
        world.stop();
      REQUIRE(world.start());
      CHECK(world.parked(ParkReason::refused));
      world.run_for(30min);
      CHECK(world.server.organisation.oracle().posts == posts);
    }
    world.server.organisation.faults.clear();
    world.resume();
    CHECK(world.run_until(30min, [&] { return world.settled(); }));
    CHECK_FALSE(world.parked(ParkReason::refused));
    CHECK(world.server.records() >= 30);
    world.stop();
    REQUIRE(world.start());
    CHECK_FALSE(world.parked(ParkReason::refused));
    world.stop();
  }
}

}  // namespace
}  // namespace usherd::flow
