#include "tests/flow/world/audit.hpp"
#include "tests/flow/world/workload.hpp"
#include "tests/flow/world/world.hpp"
#include "usherd/core/random.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;
using sandbox::FaultAction;

World::Options busy(bool merge, std::uint64_t seed) {
  World::Options options;
  options.seed = seed;
  options.config.batch.max_records = 60;
  options.config.batch.linger = Milliseconds(200);
  options.config.limits.in_progress_batches = 6;
  options.config.limits.in_progress_operations = 300;
  options.config.records.merge = merge;
  options.settings.job_time.fixed = 500ms;
  options.settings.job_time_spread = 4s;
  options.settings.apply_order = sandbox::ApplyOrder::random;
  options.settings.reject_uids_with = kBadUid;
  options.settings.bad_records = sandbox::BadRecords::strict;
  return options;
}

std::vector<sandbox::FaultRule> troubles() {
  std::vector<sandbox::FaultRule> rules(4);
  rules[0].action = FaultAction::status;
  rules[0].code = 503;
  rules[0].probability = 0.1;
  rules[1].action = FaultAction::reset_after_commit;
  rules[1].probability = 0.1;
  rules[2].action = FaultAction::job_fail;
  rules[2].probability = 0.05;
  rules[2].times = 4;
  rules[3].action = FaultAction::hang_after_commit;
  rules[3].probability = 0.02;
  for (auto& rule : rules)
    rule.call = sandbox::Call::create;
  return rules;
}

/// Every user's updates in order through failing, split and retried batches that end in random order, with
/// the machine stopping now and then.
void hot_users_stay_in_order(bool merge, std::uint64_t records, std::uint64_t seed) {
  CAPTURE(merge);
  CAPTURE(seed);
  World world(busy(merge, seed));
  world.server.organisation.faults.add(troubles());
  Workload workload(seed);
  Workload::Mix mix;
  mix.records = records / 3;
  mix.users = 1000;
  mix.hot = 0.5;
  mix.bad_api = 0.005;
  mix.unmergeable = 0.02;
  for (int i = 0; i < 3; ++i)
    workload.add(mix);
  for (const auto& file : workload.files())
    world.drop(file.name, file.bytes);
  Random random(seed);
  int stops = 0;
  const auto done = [&world] { return world.settled() && world.nothing_works(); };
  bool ended = false;
  while (!ended) {
    if (stops < 8)
      world.effects.stop_after(1 + random.up_to(records / 2));
    if (world.start() && world.run_until(200h, done)) {
      world.stop();
      ended = !world.effects.stopped();
    }
    REQUIRE((ended || world.effects.stopped()));
    if (!ended) {
      world.crash(stops % 2 == 0 ? Loss::everything : Loss::nothing);
      world.pass(20s);
      ++stops;
    }
  }
  Allowed allowed;
  allowed.unknown = true;  // a lone record whose jobs fail again and again
  const auto result = audit(world, workload.files(), allowed);
  CHECK_MESSAGE(result.problems.empty(), fmt::format("{}", fmt::join(result.problems, "\n")));
  CHECK(result.imported + result.merged > records * 9 / 10);
  CHECK((merge ? result.merged > records / 10 : result.merged == 0));
  CHECK(world.server.organisation.oracle().users_in_two_jobs == 0);
  CHECK(stops > 2);
}

TEST_CASE("A hot user's updates apply in order through failures, splits, retries and restarts") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    hot_users_stay_in_order(true, 3000, seed);
}

TEST_CASE("A hot user's updates apply in order without merging, too") {
  hot_users_stay_in_order(false, 600, 4);
}

/// How long the other users' updates took, from the drop to the last job made for one of them.
std::chrono::milliseconds time_of_others(bool merge, double hot) {
  World::Options options;
  options.config.batch.max_records = 100;
  options.config.limits.in_progress_batches = 5;
  options.config.limits.in_progress_operations = 1000;
  options.config.records.merge = merge;
  options.settings.job_time.fixed = 2s;
  options.settings.job_time_per_thousand = 1s;
  World world(options);
  Workload workload(7);
  Workload::Mix mix;
  constexpr std::uint64_t kOthers = 10'000;
  mix.records = hot > 0 ? kOthers * 2 : kOthers;
  mix.users = 1000;
  mix.hot = hot;
  const auto& file = workload.add(mix);
  const auto began = world.server_now();
  world.drop(file.name, file.bytes);
  REQUIRE(world.start());
  std::uint64_t others = 0;
  for (const auto& [line, planned] : file.lines)
    others += planned.user != "hot" ? 1 : 0;
  REQUIRE(world.run_until(100h, [&] {
    std::uint64_t seen = 0;
    for (const auto& [uid, user] : world.server.users())
      seen += uid != "hot" ? user.updates.size() : 0;
    return seen == others;
  }));
  world.crash(Loss::nothing);
  WallTime latest{};
  for (const auto& [uid, user] : world.server.users()) {
    if (uid != "hot")
      latest = std::max(latest, user.latest);
  }
  const auto took = latest - began;
  return took * kOthers / others;
}

TEST_CASE("A hot user costs the others at most a tenth of their throughput") {
  for (const bool merge : {true, false}) {
    const auto alone = time_of_others(merge, 0);
    const auto beside = time_of_others(merge, 0.5);
    INFO(fmt::format("merge {}: {} ms without a hot user, {} ms with one", merge, alone.count(),
                     beside.count()));
    CHECK(beside.count() <= alone.count() * 11 / 10);
    MESSAGE(fmt::format("merge {}: {} ms without a hot user, {} ms with one", merge, alone.count(),
                        beside.count()));
  }
}

}  // namespace
}  // namespace usherd::flow
