#include "usherd/submit/recorder.hpp"

#include "tests/fakes/inline_workers.hpp"
#include "tests/unit/ledger/scratch.hpp"
#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

struct Bench {
  test::LedgerBench ledger;
  test::Loop loop;
  std::shared_ptr<Log> log = make_silent_log();
  GroupCommit commit{*ledger.ledger, fakes::InlineWorkers(loop.context)};
  RequestGate gate{loop.executor(), loop.timers, TokenBucket(1000, 1000), *log};
  Recorder recorder{commit, gate, loop.timers, *log};
  int tries = 0;
  int fails = 0;  ///< of the tries to come

  GroupCommit::Change change() {
    return [this](Ledger& open) -> Result<void> {
      ++tries;
      if (fails > 0 && fails-- > 0)
        return Error{Errc::no_space, "disk full"};
      return open.set_fact("tries", std::to_string(tries));
    };
  }
  [[nodiscard]] bool parked() const { return gate.parking().holds(ParkReason::disk); }
};

}  // namespace

TEST_CASE("A change that the disk takes is durable at once") {
  Bench bench;
  CHECK(bench.loop.run(bench.recorder.record(bench.change())));
  CHECK(bench.tries == 1);
  CHECK_FALSE(bench.parked());
  CHECK(bench.ledger->fact("tries").value() == "1");
}

TEST_CASE("A change that the disk refuses is tried until it takes it, and meanwhile the disk is named") {
  Bench bench;
  bench.fails = 3;
  const auto done = bench.loop.start(bench.recorder.record(bench.change()));
  CHECK_FALSE(done->done());
  CHECK(bench.parked());
  bench.loop.pass(5s);
  CHECK_FALSE(done->done());
  CHECK(bench.parked());
  bench.loop.pass(1s);
  REQUIRE(done->value);
  CHECK(*done->value);
  CHECK(bench.tries == 4);
  CHECK_FALSE(bench.parked());
  CHECK(bench.ledger->fact("tries").value() == "4");
}

TEST_CASE("When we stop, a change that is not durable is given up after the try under way") {
  Bench bench;
  bench.fails = 1000;
  const auto done = bench.loop.start(bench.recorder.record(bench.change()));
  bench.loop.pass(10s);
  bench.recorder.stop();
  bench.loop.pass(2s);
  REQUIRE(done->value);
  CHECK_FALSE(*done->value);
  CHECK_FALSE(bench.ledger->fact("tries").value());
  SUBCASE("but what the disk takes is still written") {
    bench.fails = 0;
    CHECK(bench.loop.run(bench.recorder.record(bench.change())));
  }
}

TEST_CASE("Several that wait for the disk all come through once it works") {
  Bench bench;
  bench.fails = 4;
  const auto first = bench.loop.start(bench.recorder.record(bench.change()));
  const auto second = bench.loop.start(bench.recorder.record(bench.change()));
  bench.loop.pass(20s);
  CHECK(first->value == true);
  CHECK(second->value == true);
  CHECK_FALSE(bench.parked());
}

namespace {

/// A disk with a reserve on it.
struct ReserveBench : Bench {
  test::Scratch directory;
  SpaceReserve reserve{{directory.path()}};

  ReserveBench() {
    REQUIRE(reserve.hold());
    recorder.spend(reserve);
  }
  [[nodiscard]] bool kept() const { return std::filesystem::exists(directory.path() + "/.usherd-reserve"); }
};

}  // namespace

TEST_CASE("What finishes something spends what was kept back, and parks only when that is gone too") {
  ReserveBench bench;
  CHECK(bench.kept());
  bench.fails = 1;
  CHECK(bench.loop.run(bench.recorder.record(bench.change())));
  CHECK_FALSE(bench.kept());
  CHECK(bench.reserve.is_spent());
  CHECK_FALSE(bench.parked());
  bench.fails = 1;
  const auto done = bench.loop.start(bench.recorder.record(bench.change()));
  CHECK(bench.parked());
  bench.loop.pass(2s);
  CHECK(done->value == true);
}

TEST_CASE(
    "What begins something leaves the reserve alone, waits while it is spent, and goes on when it is back") {
  ReserveBench bench;
  bench.fails = 1;
  const auto refused = bench.loop.start(bench.recorder.record(bench.change(), Purpose::begin));
  CHECK(bench.kept());
  CHECK_FALSE(bench.parked());
  bench.loop.pass(2s);
  CHECK(refused->value == true);

  REQUIRE(bench.reserve.give());
  const auto tries = bench.tries;
  const auto waits = bench.loop.start(bench.recorder.record(bench.change(), Purpose::begin));
  bench.loop.pass(60s);
  CHECK_FALSE(waits->done());
  CHECK(bench.tries == tries);
  CHECK_FALSE(bench.parked());
  // Others finish meanwhile.
  CHECK(bench.loop.run(bench.recorder.record(bench.change())));
  REQUIRE(bench.reserve.hold());
  bench.loop.pass(2s);
  CHECK(waits->value == true);
}

TEST_CASE("Who waits for the reserve makes it again, and is named meanwhile") {
  ReserveBench bench;
  bool room = false;
  bench.recorder.spend(bench.reserve, [&]() -> Result<void> {
    return room ? bench.reserve.hold() : Error{Errc::no_space, "full"};
  });
  REQUIRE(bench.reserve.give());
  const auto first = bench.loop.start(bench.recorder.record(bench.change(), Purpose::begin));
  const auto second = bench.loop.start(bench.recorder.record(bench.change(), Purpose::begin));
  const auto began = bench.loop.now();
  bench.loop.pass(60s);
  CHECK_FALSE(first->done());
  REQUIRE(bench.recorder.stalled().size() == 1);
  CHECK(bench.recorder.stalled().begin()->second.since == began);
  CHECK(bench.loop.run(bench.recorder.record(bench.change())));
  CHECK(bench.recorder.stalled().size() == 1);
  room = true;
  bench.loop.pass(4s);
  CHECK(first->value == true);
  CHECK(second->value == true);
  CHECK(bench.kept());
  CHECK(bench.recorder.stalled().empty());
}

TEST_CASE("What begins something on a full disk is named once, since when it waits, until it is durable") {
  ReserveBench bench;
  bench.fails = 5;
  const auto began = bench.loop.now();
  const auto waits = bench.loop.start(bench.recorder.record(bench.change(), Purpose::begin));
  bench.loop.pass(9s);
  CHECK_FALSE(waits->done());
  REQUIRE(bench.recorder.stalled().size() == 1);
  CHECK(bench.recorder.stalled().begin()->second.since == began);
  bench.loop.pass(1s);
  CHECK(waits->value == true);
  CHECK(bench.recorder.stalled().empty());
}

TEST_CASE("What finds no room to begin waits by itself, longer each time, and is named") {
  ReserveBench bench;
  const Error full{Errc::no_space, "full"};
  unsigned waits = 0;
  BootClock::duration longest{0};
  for (; waits < 8; ++waits) {
    const auto began = bench.loop.now();
    const auto wait = bench.loop.start(bench.recorder.wait_for_one("f.csv", full, Purpose::begin));
    while (!wait->done())
      bench.loop.pass(1s);
    const auto length = bench.loop.now() - began;
    CHECK(length >= longest);
    longest = length;
    CHECK_FALSE(bench.parked());
    CHECK(bench.recorder.stalled().contains("f.csv"));
  }
  CHECK(longest > 30s);
  CHECK(longest < 2min);
  CHECK(bench.recorder.note_moving("f.csv"));
}

TEST_CASE("Only a full disk costs the reserve") {
  ReserveBench bench;
  CHECK_FALSE(bench.recorder.make_room(Error{Errc::io, "broken"}));
  CHECK(bench.kept());
  CHECK(bench.recorder.make_room(Error{Errc::no_space, "full"}));
  CHECK_FALSE(bench.recorder.make_room(Error{Errc::no_space, "full"}));
}
