#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

std::string record(const std::string& uid, int seq) {
  return fmt::format(R"({{"uid":"{}","properties":{{"seq":{},"p{}":1}}}})", uid, seq, seq) + "\n";
}

/// Each record is a batch. Two updates of each of `users` users in one file: the second ones wait for the
/// first, and when these have ended the file cannot be read any more.
class Closed {
 public:
  explicit Closed(int users, std::uint64_t in_progress) : world(options(in_progress)) {
    std::string text;
    for (int round = 0; round < 2; ++round) {
      for (int user = 0; user < users; ++user)
        text += record(fmt::format("a{}", user), ++seq_);
    }
    world.drop("a.ndjson", text);
    REQUIRE(world.start());
    const auto under_way = [&] { return posts() == static_cast<std::uint64_t>(users); };
    REQUIRE(world.run_until(10s, under_way));
    world.files.close("a.ndjson");
    world.run_for(2min);
    REQUIRE(posts() == static_cast<std::uint64_t>(users));
  }
  void drop(const std::string& name, const std::string& uid) { world.drop(name, record(uid, ++seq_)); }
  [[nodiscard]] bool has_receipt(const std::string& name) const {
    return world.disk.exists("/spool/done/" + name + ".receipt.json");
  }
  [[nodiscard]] std::uint64_t posts() const { return world.server.organisation.oracle().posts; }
  void open_and_finish() {
    world.files.open_again();
    CHECK(world.run_until(10min, [this] { return world.settled(); }));
    world.stop();
    CHECK(world.server.out_of_order() == 0);
    CHECK(world.server.repeated() == 0);
    CHECK(world.server.records() == static_cast<std::uint64_t>(seq_));
  }

  World world;

 private:
  static World::Options options(std::uint64_t in_progress) {
    World::Options options;
    options.config.api.sessions = 1;
    options.config.batch.max_records = 1;
    options.config.batch.linger = Milliseconds(100);
    options.config.records.merge = false;
    options.config.limits.in_progress_batches = in_progress;
    options.settings.job_time.fixed = 1min;
    return options;
  }
  int seq_ = 0;
};

TEST_CASE("Batches that cannot be frozen for now hold up none but their users") {
  // The first: all sending places; the second: all of the budget.
  for (const auto& [users, in_progress] : {std::pair(5, 20), std::pair(1, 1)}) {
    CAPTURE(in_progress);
    Closed closed(users, static_cast<std::uint64_t>(in_progress));
    closed.drop("b.ndjson", "b");
    closed.drop("later.ndjson", "a0");
    CHECK(closed.world.run_until(3min, [&] { return closed.has_receipt("b.ndjson"); }));
    CHECK_FALSE(closed.has_receipt("a.ndjson"));
    CHECK_FALSE(closed.has_receipt("later.ndjson"));
    closed.open_and_finish();
  }
}

TEST_CASE("A stop and a start among batches that cannot be frozen lose nothing") {
  Closed closed(5, 20);
  closed.drop("b.ndjson", "b");
  CHECK(closed.world.run_until(3min, [&] { return closed.has_receipt("b.ndjson"); }));
  SUBCASE("in order") {
    closed.world.stop();
  }
  SUBCASE("at once") {
    closed.world.crash(Loss::everything);
  }
  REQUIRE(closed.world.start());
  closed.world.run_for(1min);
  closed.open_and_finish();
}

/// The only place of the budget is held by a batch that was frozen while it could not be sent; when it could,
/// its file cannot be read any more.
TEST_CASE("A frozen batch that cannot be read when it is to be sent gives its place to others") {
  World::Options options;
  options.config.limits.in_progress_batches = 1;
  options.config.batch.linger = Milliseconds(100);
  options.settings.job_time.fixed = 1s;
  World world(options);
  auto& organisation = world.server.organisation;
  organisation.settings.listening = false;
  REQUIRE(world.start());
  world.drop("a.ndjson", record("a", 1));
  world.run_for(10s);
  world.files.close("a.ndjson");
  organisation.settings.listening = true;
  for (int seq = 2; seq <= 4; ++seq) {
    const auto name = fmt::format("b{}.ndjson", seq);
    world.drop(name, record("b", seq));
    const auto has_receipt = [&] { return world.disk.exists("/spool/done/" + name + ".receipt.json"); };
    CHECK(world.run_until(2min, has_receipt));
  }
  CHECK_FALSE(world.settled());
  bool crashed = false;
  SUBCASE("and goes out once it can be read") {}
  SUBCASE("and loses nothing by a crash") {
    crashed = true;
  }
  if (crashed) {
    world.crash(Loss::everything);
    REQUIRE(world.start());
    world.run_for(1min);
  }
  world.files.open_again();
  CHECK(world.run_until(2min, [&] { return world.settled(); }));
  world.stop();
  CHECK(world.server.records() == 4);
  CHECK(world.server.repeated() == 0);
}

TEST_CASE("A batch that is to be divided and cannot be read for now holds up none but its users") {
  World::Options options;
  options.config.api.sessions = 1;
  options.settings.job_time.fixed = 1s;
  World world(options);
  auto& organisation = world.server.organisation;
  organisation.settings.listening = false;
  REQUIRE(world.start());
  world.drop("a.ndjson", record("a", 1) + record("b", 2));
  world.run_for(10s);
  world.stop();
  // From here on only the file tells where a record of it begins.
  organisation.settings.listening = true;
  sandbox::FaultRule refuses;
  refuses.call = sandbox::Call::create;
  refuses.times = 1;
  refuses.code = 413;
  organisation.faults.add({refuses});
  // It can be read for the body that is refused.
  world.files.close("a.ndjson", 2);
  REQUIRE(world.start());
  CHECK_FALSE(world.run_until(1min, [&] { return world.parked(ParkReason::disk); }));
  world.drop("c.ndjson", record("c", 3));
  const auto has_receipt = [&] { return world.disk.exists("/spool/done/c.ndjson.receipt.json"); };
  CHECK(world.run_until(1min, has_receipt));
  CHECK_FALSE(world.settled());
  world.files.open_again();
  CHECK(world.run_until(2min, [&] { return world.settled(); }));
  world.stop();
  CHECK(world.server.records() == 3);
}

}  // namespace
}  // namespace usherd::flow
