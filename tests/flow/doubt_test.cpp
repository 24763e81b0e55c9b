#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;
using sandbox::FaultAction;

std::string record(const std::string& uid, int seq) {
  return fmt::format(R"({{"uid":"{}","properties":{{"seq":{},"p{}":1}}}})", uid, seq, seq) + "\n";
}

/// Each file is a batch. The first one's POST is done and never answered; from then on the API answers 429 to
/// it, whatever others do.
class Doubt {
 public:
  explicit Doubt(std::uint64_t in_progress, const std::string& retry_after) : world(options(in_progress)) {
    sandbox::FaultRule lost;
    lost.call = sandbox::Call::create;
    lost.batch_contains_uid = "stuck";
    lost.action = FaultAction::reset_after_commit;
    lost.times = 1;
    sandbox::FaultRule busy;
    busy.call = sandbox::Call::create;
    busy.batch_contains_uid = "stuck";
    busy.code = 429;
    busy.proxy = true;
    busy.retry_after = retry_after;
    busy.after = 1;
    world.server.organisation.faults.add({lost, busy});
    world.drop("stuck.ndjson", record("stuck", ++seq_));
    REQUIRE(world.start());
    world.run_for(30s);
    CHECK(answered_429() >= 1);
  }
  /// Files of other users, one after the other.
  void drop_others(int files) {
    for (int i = 0; i < files; ++i) {
      ++seq_;
      world.drop(fmt::format("f{}.ndjson", seq_), record(fmt::format("u{}", seq_), seq_));
      world.run_for(2s);
    }
  }
  [[nodiscard]] int receipts() const {
    int found = 0;
    for (int i = 2; i <= seq_; ++i)
      found += world.disk.exists(fmt::format("/spool/done/f{}.ndjson.receipt.json", i)) ? 1 : 0;
    return found;
  }
  [[nodiscard]] bool others_are_settled() const { return receipts() == seq_ - 1; }
  [[nodiscard]] std::uint64_t answered_429() const { return world.server.organisation.oracle().answered_429; }
  /// The key is answered at last.
  void end() {
    CHECK_FALSE(world.settled());
    world.server.organisation.faults.clear();
    CHECK(world.run_until(10min, [this] { return world.settled(); }));
    world.stop();
    CHECK(world.server.out_of_order() == 0);
    CHECK(world.server.repeated() == 0);
    CHECK(world.server.records() == static_cast<std::uint64_t>(seq_));
    const auto oracle = world.server.organisation.oracle();
    CHECK(oracle.keys_with_two_bodies == 0);
    CHECK(oracle.early_after_retry_after == 0);
  }

  World world;

 private:
  static World::Options options(std::uint64_t in_progress) {
    World::Options options;
    options.config.batch.linger = Milliseconds(100);
    options.config.limits.in_progress_batches = in_progress;
    options.settings.job_time.fixed = 1s;
    return options;
  }
  int seq_ = 0;
};

TEST_CASE("A batch in doubt that draws 429 for ever holds no other up, and keeps its key") {
  for (const auto* retry_after : {"1", "30"}) {
    CAPTURE(retry_after);
    Doubt doubt(90, retry_after);
    doubt.drop_others(20);
    CHECK(doubt.world.run_until(5min, [&] { return doubt.others_are_settled(); }));
    // It goes on for hours.
    doubt.world.run_for(3h);
    doubt.drop_others(20);
    CHECK(doubt.world.run_until(5min, [&] { return doubt.others_are_settled(); }));
    doubt.end();
  }
}

TEST_CASE("A restart beside a batch in doubt that draws 429 costs the others a few of its refusals") {
  for (const bool crash : {false, true}) {
    CAPTURE(crash);
    Doubt doubt(3, "2");
    for (int round = 0; round < 3; ++round) {
      if (crash)
        doubt.world.crash(Loss::everything);
      else
        doubt.world.stop();
      REQUIRE(doubt.world.start());
      doubt.drop_others(10);
      CHECK(doubt.world.run_until(5min, [&] { return doubt.others_are_settled(); }));
    }
    doubt.end();
  }
}

TEST_CASE("A batch in doubt that draws 429 takes its place in the limits all the same") {
  Doubt doubt(2, "1");
  doubt.drop_others(10);
  CHECK(doubt.world.run_until(5min, [&] { return doubt.others_are_settled(); }));
  // Its own job has ended at the server, so that two at once would be three by the daemon's count.
  CHECK(doubt.world.server.organisation.oracle().peak_in_progress_batches == 1);
  doubt.end();
}

}  // namespace
}  // namespace usherd::flow
