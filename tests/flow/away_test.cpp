#include "tests/flow/world/audit.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAside = "/aside";

std::string record(const std::string& uid, int seq) {
  return fmt::format(R"({{"uid":"{}","properties":{{"seq":{},"p{}":1}}}})", uid, seq, seq) + "\n";
}

World::Options options() {
  World::Options options;
  options.config.batch.max_records = 5;
  options.config.batch.lookahead = 10;
  options.config.batch.linger = Milliseconds(100);
  options.config.limits.in_progress_batches = 2;
  options.settings.job_time.fixed = 20s;
  return options;
}

/// Lets everything come to its end. What could not be removed meanwhile is swept by the next start.
void finish(World& world, const Workload& workload) {
  CHECK(world.run_until(1h, [&] { return world.settled(); }));
  CHECK(world.intake_parked().empty());
  world.stop();
  REQUIRE(world.start());
  CHECK(world.run_until(1min, [&] { return world.nothing_works(); }));
  world.stop();
  const auto found = audit(world, workload.files(), Allowed{.rekeys = false});
  CHECK_MESSAGE(found.problems.empty(), fmt::format("{}", fmt::join(found.problems, "\n")));
  CHECK(found.unknown == 0);
}

/// Files of both kinds, some not read yet, some frozen, some under way when it happens.
TEST_CASE("A spool that is away for minutes ends no record, and everything goes on once it is back") {
  for (const auto* folder : {"/spool/working", "/spool"}) {
    for (const auto when : {0ms, 300ms, 5000ms, 21000ms, 45000ms, 80000ms}) {
      CAPTURE(std::string(folder));
      CAPTURE(when.count());
      World world(options());
      Workload workload(1);
      for (int i = 0; i < 8; ++i) {
        const auto& file = workload.add({.records = 30, .users = 6, .bad_local = 0.1, .json = i % 4 == 3});
        world.drop(file.name, file.bytes);
      }
      REQUIRE(world.start());
      world.run_until(1min, [&] { return world.server.records() > 0; });
      world.run_for(when);
      REQUIRE_FALSE(world.settled());
      world.disk.move_folder(folder, kAside);
      // Whatever waits for the disk waits by itself, as the state can be written.
      CHECK_FALSE(world.run_until(5min, [&] { return world.parked(ParkReason::disk); }));
      CHECK(world.intake_parked().find("/spool/working is away") != std::string::npos);
      world.disk.move_folder(kAside, folder);
      finish(world, workload);
    }
  }
}

TEST_CASE("Batches that a run found are not ended for a spool that is away") {
  World world(options());
  world.server.organisation.settings.listening = false;
  Workload workload(1);
  for (int i = 0; i < 3; ++i) {
    const auto& file = workload.add({.records = 30, .users = 30});
    world.drop(file.name, file.bytes);
  }
  REQUIRE(world.start());
  world.run_for(10s);
  world.crash(Loss::everything);
  REQUIRE(world.start());
  world.disk.move_folder("/spool/working", kAside);
  world.server.organisation.settings.listening = true;
  world.run_for(15min);
  world.disk.move_folder(kAside, "/spool/working");
  finish(world, workload);
}

TEST_CASE("Empty folders in the spool's place take in nothing") {
  World world(options());
  Workload workload(1);
  const auto first = workload.add({.records = 30});
  const auto second = workload.add({.records = 3});
  REQUIRE(world.start());
  world.drop(first.name, first.bytes);
  world.run_for(5s);
  world.disk.move_folder("/spool", kAside);
  const std::vector<std::string> folders{"done", "incoming", "rejected", "working"};
  world.disk.make_directory("/spool");
  for (const auto& folder : folders)
    world.disk.make_directory("/spool/" + folder);
  world.drop(second.name, second.bytes);
  world.run_for(5min);
  CHECK(world.intake_parked().find("/spool/working is another folder") != std::string::npos);
  CHECK(world.disk.names("/spool") == folders);
  CHECK(world.disk.names("/spool/incoming") == std::vector<std::string>{second.name});
  for (const auto* folder : {"/spool/working", "/spool/done", "/spool/rejected"})
    CHECK(world.disk.names(folder).empty());
  world.disk.move_folder("/spool", "/bare");
  world.disk.move_folder(kAside, "/spool");
  // What lay there comes when somebody drops it here.
  world.drop(second.name, second.bytes);
  finish(world, workload);
}

TEST_CASE("One file that is removed from a working/ that stands ends unknown, and its neighbours go on") {
  World world(options());
  world.server.organisation.settings.listening = false;
  REQUIRE(world.start());
  world.drop("a.ndjson", record("a", 1));
  world.drop("b.ndjson", record("b", 2));
  world.run_for(10s);
  REQUIRE(world.disk.remove("/spool/working/000000000001.a.ndjson").has_value());
  world.server.organisation.settings.listening = true;
  CHECK(world.run_until(10min, [&] { return world.disk.exists("/spool/done/b.ndjson.receipt.json"); }));
  world.run_for(5min);
  CHECK(world.intake_parked().empty());
  CHECK(world.disk.names("/spool/rejected") == std::vector<std::string>{"a.ndjson.rejects.ndjson"});
  CHECK(world.disk.content("/spool/rejected/a.ndjson.rejects.ndjson").find("file_changed") !=
        std::string::npos);
  CHECK(world.server.records() == 1);
  world.stop();
}

}  // namespace
}  // namespace usherd::flow
