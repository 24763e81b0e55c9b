#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

/// Cannot bear to hear that all is well.
class BrokenManager final : public ServiceManager {
 public:
  void notify(const std::string& lines) override {
    if (lines.find("READY=1") != std::string::npos)
      throw std::runtime_error("broken");
  }
  [[nodiscard]] std::optional<BootClock::duration> watchdog() const override { return std::nullopt; }
};

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

TEST_CASE("A daemon that breaks at its start ends, and leaves nothing that runs on") {
  BrokenManager manager;
  World::Options options;
  options.service = &manager;
  World world(options);
  world.drop("a.ndjson", R"({"uid":"a"})");
  REQUIRE(world.start());
  CHECK_THROWS_WITH(world.run_for(1min), "broken");
  CHECK(world.exit());
  CHECK_FALSE(world.runs_on());
}

}  // namespace
}  // namespace usherd::flow
