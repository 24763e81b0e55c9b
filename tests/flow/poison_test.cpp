#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

std::string records(const std::string& uid, int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += fmt::format(R"({{"uid":"{}{}","properties":{{"seq":1,"p1":1}}}})", uid, i) + "\n";
  return text;
}

/// Its budget holds few batches; some records draw 500 for ever, and good files come all the time.
struct Poisoned {
  explicit Poisoned(std::uint64_t in_progress) : world(options(in_progress)) {}

  void poison(const std::string& uid) {
    sandbox::FaultRule rule;
    rule.call = sandbox::Call::create;
    rule.batch_contains_uid = uid;
    rule.proxy = true;
    world.server.organisation.faults.add({rule});
  }
  /// Until all that is poisoned has its receipt: the longest time in which nothing was accepted.
  BootClock::duration longest_pause(const std::vector<std::string>& names) {
    auto last = world.now().boot;
    auto passed = world.server.records();
    BootClock::duration longest{0};
    const auto ended = [&](const std::string& name) {
      return world.disk.exists("/spool/done/" + name + ".receipt.json");
    };
    for (int i = 0; !std::all_of(names.begin(), names.end(), ended) && i < 1000; ++i) {
      world.drop(fmt::format("x{}.ndjson", i), records(fmt::format("x{}_", i), 3));
      for (int look = 0; look < 20; ++look) {
        world.run_for(100ms);
        most_places = std::max(most_places, world.places_in_use());
      }
      if (std::exchange(passed, world.server.records()) == passed)
        continue;
      longest = std::max(longest, world.now().boot - last);
      last = world.now().boot;
    }
    CHECK(std::all_of(names.begin(), names.end(), ended));
    return longest;
  }

  World world;
  std::uint32_t most_places = 0;  ///< of the budget that were in use at once

 private:
  static World::Options options(std::uint64_t in_progress) {
    World::Options options;
    options.config.batch.max_records = 8;
    options.config.batch.linger = Milliseconds(50);
    options.config.limits.in_progress_batches = in_progress;
    options.settings.job_time.fixed = 1s;
    return options;
  }
};

TEST_CASE(
    "Records that draw 500 for ever stop the others for a minute or two at most, however small the budget") {
  std::uint64_t in_progress = 2;
  std::vector<std::string> names{"p.ndjson"};
  SUBCASE("one, and two places") {}
  SUBCASE("two, and four places") {
    in_progress = 4;
    names.push_back("q.ndjson");
  }
  Poisoned poisoned(in_progress);
  REQUIRE(poisoned.world.start());
  for (const auto& name : names) {
    const auto uid = name.substr(0, 1);
    poisoned.poison(uid + "3");
    poisoned.world.drop(name, records(uid, 8));
    poisoned.world.run_for(1s);
  }
  CHECK(poisoned.longest_pause(names) < 2min);
  CHECK(poisoned.world.run_until(10min, [&] { return poisoned.world.settled(); }));
  poisoned.world.stop();
  CHECK(poisoned.world.server.out_of_order() == 0);
  CHECK(poisoned.world.server.repeated() == 0);
  for (const auto& name : names) {
    const auto receipt = poisoned.world.disk.content("/spool/done/" + name + ".receipt.json");
    CHECK(receipt.find(R"("imported":7,"rejected":0,"merged":0,"unknown":1)") != std::string::npos);
  }
}

TEST_CASE("Records that draw 500 for ever hold nobody up where nothing else is left to be sent") {
  std::vector<std::string> uids{"p13"};
  SUBCASE("one") {}
  SUBCASE("one in each of three batches") {
    uids = {"p3", "p13", "p22"};
  }
  SUBCASE("two in one, far apart") {
    uids = {"p8", "p15"};
  }
  Poisoned poisoned(90);
  auto& world = poisoned.world;
  REQUIRE(world.start());
  for (const auto& uid : uids)
    poisoned.poison(uid);
  world.drop("p.ndjson", records("p", 40));
  CHECK(world.run_until(60min, [&] { return world.settled(); }));
  world.stop();
  const auto receipt = world.disk.content("/spool/done/p.ndjson.receipt.json");
  CHECK(receipt.find(fmt::format(R"("imported":{},"rejected":0,"merged":0,"unknown":{})", 40 - uids.size(),
                                 uids.size())) != std::string::npos);
  CHECK(world.server.repeated() == 0);
}

TEST_CASE("Many records that draw 500 for ever take no more places than there are") {
  constexpr std::uint64_t kPlaces = 24;
  constexpr int kBatches = 8;
  Poisoned poisoned(kPlaces);
  REQUIRE(poisoned.world.start());
  std::vector<std::string> names;
  for (int i = 0; i < kBatches; ++i) {
    names.push_back(fmt::format("p{}.ndjson", i));
    poisoned.poison(fmt::format("p{}_3", i));
    poisoned.world.drop(names.back(), records(fmt::format("p{}_", i), 8));
  }
  CHECK(poisoned.longest_pause(names) < 2min);
  CHECK(poisoned.most_places <= kPlaces);
  CHECK(poisoned.world.run_until(10min, [&] { return poisoned.world.settled(); }));
  poisoned.world.stop();
  for (const auto& name : names) {
    const auto receipt = poisoned.world.disk.content("/spool/done/" + name + ".receipt.json");
    CHECK(receipt.find(R"("imported":7,"rejected":0,"merged":0,"unknown":1)") != std::string::npos);
  }
}

}  // namespace
}  // namespace usherd::flow
