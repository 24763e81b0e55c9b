#include "tests/flow/world/audit.hpp"
#include "tests/flow/world/workload.hpp"
#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;
using sandbox::FaultAction;
using sandbox::Idempotency;

/// A world whose first POSTs are done but never answered, and whose server is then away for long.
class Outage {
 public:
  explicit Outage(Idempotency wording, bool anonymous = false)
      : world(options(wording, anonymous)), workload_(3), anonymous_(anonymous) {
    mix_.records = 30;
    mix_.users = 6;
    mix_.hot = 0.3;
    mix_.anonymous = anonymous ? 0.3 : 0;
  }

  void drop() {
    const auto& file = workload_.add(mix_);
    world.drop(file.name, file.bytes);
  }
  /// From now on POSTs are done, and the connection is reset instead of an answer.
  void leave_unanswered(std::uint64_t times) {
    sandbox::FaultRule rule;
    rule.call = sandbox::Call::create;
    rule.action = FaultAction::reset_after_commit;
    rule.times = times;
    world.server.organisation.faults.add({rule});
  }
  void listen(bool on) { world.server.organisation.settings.listening = on; }
  Audit finish() {
    const auto done = [this] { return world.settled() && world.nothing_works(); };
    REQUIRE(world.run_until(12h, done));
    world.stop();
    Allowed allowed;
    allowed.unknown = anonymous_;
    auto result = audit(world, workload_.files(), allowed);
    CHECK_MESSAGE(result.problems.empty(), fmt::format("{}", fmt::join(result.problems, "\n")));
    return result;
  }
  [[nodiscard]] std::uint64_t posts() const { return world.server.organisation.oracle().posts; }

  World world;

 private:
  static World::Options options(Idempotency wording, bool anonymous) {
    World::Options options;
    options.config.batch.max_records = 5;
    options.config.limits.in_progress_batches = 4;
    options.config.limits.in_progress_operations = 20;
    options.settings.idempotency = wording;
    options.settings.job_time.fixed = 1s;
    if (anonymous)
      options.config.records.anonymous = AnonymousRecords::accept;
    return options;
  }
  Workload workload_;
  Workload::Mix mix_;
  bool anonymous_;
};

TEST_SUITE_BEGIN("clocks");

constexpr Idempotency kWordings[]{Idempotency::newer, Idempotency::older};

/// POSTs whose answers never come, then nobody who listens for `away`, then all is well.
Audit after_outage(Outage& outage, std::chrono::nanoseconds away) {
  outage.leave_unanswered(3);
  outage.drop();
  REQUIRE(outage.world.start());
  REQUIRE(outage.world.run_until(1h, [&] { return outage.posts() >= 3; }));
  outage.listen(false);
  outage.world.run_for(away / 2);
  outage.drop();
  outage.world.run_for(away / 2);
  outage.listen(true);
  return outage.finish();
}

TEST_CASE("After an outage of six hours the same keys bring the same jobs") {
  for (const auto wording : kWordings) {
    Outage outage(wording);
    const auto result = after_outage(outage, 6h);
    CHECK(result.imported + result.merged == 60);
    CHECK(result.rekeyed == 0);
    CHECK(outage.world.server.repeated() == 0);
  }
}

TEST_CASE(
    "After an outage of thirty hours every record is imported in order, under new keys where one was sent") {
  for (const auto wording : kWordings) {
    Outage outage(wording);
    const auto result = after_outage(outage, 30h);
    CHECK(result.imported + result.merged == 60);
    CHECK(result.rekeyed > 0);
    CHECK(result.rekeyed < 60);
  }
}

TEST_CASE(
    "After thirty hours anonymous records of a key that was sent end unknown, and are never made twice") {
  Outage outage(Idempotency::newer, true);
  const auto result = after_outage(outage, 30h);
  CHECK(result.unknown > 0);
  CHECK(result.imported + result.merged + result.unknown == 60);
  CHECK(outage.world.disk.content("/spool/rejected/f1.ndjson.rejects.ndjson").find("\"key_expired\"") !=
        std::string::npos);
}

TEST_CASE("A key of which nothing was ever sent does not age") {
  Outage outage(Idempotency::newer, true);
  outage.listen(false);
  outage.drop();
  REQUIRE(outage.world.start());
  outage.world.run_for(30h);
  outage.listen(true);
  const auto result = outage.finish();
  CHECK(result.imported + result.merged == 30);
  CHECK(result.rekeyed == 0);
}

TEST_CASE("A key of which nothing was sent before a stop in order does not age either") {
  Outage outage(Idempotency::newer);
  outage.world.config.limits.requests_per_second = 0.01;
  outage.world.config.limits.burst = 2;
  outage.drop();
  REQUIRE(outage.world.start());
  REQUIRE(outage.world.run_until(1h, [&] { return outage.posts() >= 1; }));
  outage.world.run_for(2s);
  CHECK(outage.posts() == 1);
  outage.world.stop();
  outage.world.pass(30h);
  outage.world.config = world_config();
  REQUIRE(outage.world.start());
  const auto result = outage.finish();
  CHECK(result.imported + result.merged == 30);
  CHECK(result.rekeyed == 0);
}

TEST_CASE("A key is used again until it is 23 hours old, and not after") {
  for (const auto minutes : {22 * 60 + 50, 23 * 60 + 10}) {
    Outage outage(Idempotency::newer);
    const auto result = after_outage(outage, std::chrono::minutes(minutes));
    CHECK((result.rekeyed > 0) == (minutes > 23 * 60));
  }
}

TEST_CASE("A key that grew too old while its batch waited at the gate is not used again") {
  Outage outage(Idempotency::newer);
  outage.leave_unanswered(1000);
  outage.drop();
  REQUIRE(outage.world.start());
  outage.world.run_for(1min);
  outage.world.server.organisation.faults.clear();
  sandbox::FaultRule revoked;
  revoked.code = 401;
  outage.world.server.organisation.faults.add({revoked});
  outage.world.run_for(30h);
  outage.world.server.organisation.faults.clear();
  const auto result = outage.finish();
  CHECK(result.imported + result.merged == 30);
  CHECK(result.rekeyed > 0);
}

TEST_CASE("A Retry-After binds whoever starts next, also after another boot and with another calendar") {
  for (const bool reboot : {false, true}) {
    for (const auto jump : {0h, 48h, -48h}) {
      CAPTURE(reboot);
      CAPTURE(jump.count());
      Outage outage(Idempotency::newer);
      sandbox::FaultRule busy;
      busy.call = sandbox::Call::create;
      busy.code = 429;
      busy.retry_after = "600";
      busy.times = 1;
      outage.world.server.organisation.faults.add({busy});
      outage.drop();
      REQUIRE(outage.world.start());
      REQUIRE(outage.world.run_until(1h, [&] { return outage.posts() >= 1; }));
      outage.world.run_for(1s);
      outage.world.crash(Loss::everything);
      outage.world.pass(1min);
      if (reboot)
        outage.world.reboot(30s);
      outage.world.jump_wall(jump);
      REQUIRE(outage.world.start());
      const auto began = outage.world.server_now();
      const auto result = outage.finish();
      CHECK(result.imported + result.merged == 30);
      CHECK(outage.world.server_now() - began < 15min);
      // After a boot only the calendar tells, and one that stands two days ahead tells nothing.
      const bool knows = !reboot || jump <= 0h;
      CHECK((outage.world.server.organisation.oracle().early_after_retry_after == 0) == knows);
    }
  }
}

TEST_CASE("A job is no older for what its POST waited, nor for a wall clock that was set meanwhile") {
  for (const bool restarts : {false, true}) {
    CAPTURE(restarts);
    Outage outage(Idempotency::newer);
    outage.world.config.limits.job_timeout = 2h;
    outage.world.server.organisation.settings.job_time.fixed = 30min;
    sandbox::FaultRule away;
    away.action = FaultAction::status;
    away.code = 503;
    away.proxy = true;
    outage.world.server.organisation.faults.add({away});
    outage.drop();
    REQUIRE(outage.world.start());
    outage.world.run_for(6h);
    outage.world.jump_wall(-48h);
    outage.world.server.organisation.faults.clear();
    outage.world.run_for(2min);
    if (restarts) {
      outage.world.crash(Loss::nothing);
      REQUIRE(outage.world.start());
    }
    const auto result = outage.finish();
    CHECK(result.imported + result.merged == 30);
  }
}

TEST_CASE("A gateway that answers 503 for thirty hours only delays") {
  Outage outage(Idempotency::newer);
  sandbox::FaultRule rule;
  rule.action = FaultAction::status;
  rule.code = 503;
  rule.proxy = true;
  rule.body = sandbox::FaultBody::html;
  outage.world.server.organisation.faults.add({rule});
  outage.drop();
  REQUIRE(outage.world.start());
  outage.world.run_for(30h);
  outage.world.server.organisation.faults.clear();
  const auto result = outage.finish();
  CHECK(result.imported + result.merged == 30);
}

TEST_CASE("The wall clock two days off changes neither order nor outcome, whenever it jumps") {
  for (const auto jump : {48h, -48h}) {
    for (std::uint64_t effects = 5; effects < 400; effects += 20) {
      CAPTURE(jump.count());
      CAPTURE(effects);
      Outage outage(Idempotency::newer);
      outage.leave_unanswered(2);
      outage.drop();
      REQUIRE(outage.world.start());
      outage.world.run_until(1h, [&] { return outage.world.effects.count() >= effects; });
      outage.world.jump_wall(jump);
      outage.drop();
      const auto began = outage.world.server_now();
      const auto result = outage.finish();
      CHECK(result.imported + result.merged == 60);
      CHECK(outage.world.server_now() - began < 10min);
      if (jump < 0h)
        CHECK(result.rekeyed == 0);
    }
  }
}

TEST_CASE(
    "A machine that was off or began another boot reckons the age of a key by the clock that shows more") {
  struct Case {
    const char* what;
    std::chrono::hours off;     ///< the machine is off
    std::chrono::hours jump;    ///< and comes back with its wall clock so much off
    std::chrono::hours uptime;  ///< after which it was up before usherd was started
    bool expires;
    std::chrono::hours before = 0h;  ///< the machine had been up when the key was sent
  };
  for (const auto& each :
       {Case{"off for six hours", 6h, 0h, 0h, false}, Case{"off for thirty hours", 30h, 0h, 0h, true},
        Case{"back with a clock two days ahead", 1h, 48h, 0h, true},
        Case{"back with a clock two days behind", 1h, -48h, 0h, false},
        Case{"two days behind, and up for thirty hours", 0h, -48h, 30h, true},
        Case{"likewise, after weeks without a boot", 0h, -48h, 30h, true, 500h}}) {
    CAPTURE(each.what);
    Outage outage(Idempotency::newer);
    outage.leave_unanswered(3);
    outage.drop();
    outage.world.pass(each.before);
    REQUIRE(outage.world.start());
    REQUIRE(outage.world.run_until(1h, [&] { return outage.posts() >= 3; }));
    outage.world.crash(Loss::everything);
    outage.world.pass(each.off);
    outage.world.reboot(30s);
    outage.world.jump_wall(each.jump);
    outage.world.pass(each.uptime);
    REQUIRE(outage.world.start());
    const auto result = outage.finish();
    CHECK(result.imported + result.merged == 30);
    CHECK((result.rekeyed > 0) == each.expires);
  }
}

TEST_CASE("The clocks of another boot and a jumping wall clock wedge nothing, whatever stops in between") {
  Outage outage(Idempotency::older);
  outage.leave_unanswered(2);
  outage.drop();
  auto jump = 48h;
  for (int boot = 0; boot < 6; ++boot) {
    outage.world.effects.stop_after(60);
    if (outage.world.start())
      outage.world.run_until(1h, [&] { return outage.world.settled(); });
    outage.world.crash(Loss::everything);
    outage.world.reboot(10s);
    outage.world.jump_wall(jump);
    jump = -jump;
  }
  REQUIRE(outage.world.start());
  const auto result = outage.finish();
  CHECK(result.imported + result.merged == 30);
}

TEST_SUITE_END();

}  // namespace
}  // namespace usherd::flow
