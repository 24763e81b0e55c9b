#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

constexpr const char* kEnd = "/spool/done/a.ndjson";

/// A file that has ended and cannot leave working/.
class Kept {
 public:
  Kept() : world(options()) {
    drop("a.ndjson");
    REQUIRE(world.start());
    world.files.bar(kEnd);
    REQUIRE(world.run_until(1min, [this] { return world.files.barred_renames() == 1; }));
  }
  void drop(const std::string& name) {
    world.drop(name, fmt::format("{{\"uid\":\"{}\",\"properties\":{{\"p\":1}}}}\n", name));
  }
  [[nodiscard]] bool is_settled() const { return world.disk.exists(kEnd); }

  World world;

 private:
  static World::Options options() {
    World::Options options;
    options.config.batch.linger = Milliseconds(100);
    options.settings.job_time.fixed = 200ms;
    return options;
  }
};

TEST_CASE("A file that could not be settled is tried again also while others are settled all the time") {
  Kept kept;
  kept.world.files.unbar();
  for (int i = 0; i < 200 && !kept.is_settled(); ++i) {
    kept.drop(fmt::format("other{}.ndjson", i));
    kept.world.run_for(200ms);
  }
  CHECK(kept.is_settled());
  CHECK(kept.world.disk.exists("/spool/done/other3.ndjson"));
  kept.world.stop();
}

TEST_CASE("What cannot be settled for long is tried ever more rarely, and soon enough once it can be") {
  Kept kept;
  kept.world.run_for(1h);
  CHECK(kept.world.files.barred_renames() < 150);
  kept.world.files.unbar();
  CHECK(kept.world.run_until(1min, [&] { return kept.is_settled(); }));
  kept.world.stop();
}

}  // namespace
}  // namespace usherd::flow
