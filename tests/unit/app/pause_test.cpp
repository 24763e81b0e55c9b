#include "src/app/pause.hpp"

#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

namespace usherd::test {
namespace {

struct PauseBench {
  Loop loop;
  LedgerBench ledger;
  boost::asio::io_context thread;
  GroupCommit commits{*ledger.ledger, Workers(thread.get_executor())};
  std::shared_ptr<Log> log = make_silent_log();
  RequestGate gate{loop.executor(), loop.timers, TokenBucket(10, 10), *log};
  std::optional<Organisation> parked_for;
  Pause pause{commits, gate, loop.timers, [this] { return parked_for; }};

  Result<void> finish(boost::asio::awaitable<Result<void>> work) {
    const auto pending = loop.start(std::move(work));
    while (!pending->done()) {
      thread.restart();
      thread.poll();
      loop.poll();
    }
    return *pending->value;
  }
  /// What a restart would find.
  [[nodiscard]] bool outlived(ParkReason reason = ParkReason::paused) {
    RequestGate next(loop.executor(), loop.timers, TokenBucket(10, 10), *log);
    Pause again(commits, next, loop.timers, [] { return std::nullopt; });
    REQUIRE(again.restore(*ledger.ledger));
    return next.parking().holds(reason);
  }
};

TEST_CASE("a pause parks at once, before it is durable, and a restart finds it") {
  PauseBench bench;
  CHECK_FALSE(bench.outlived());
  const auto pending = bench.loop.start(bench.pause.pause());
  CHECK(bench.gate.parking().holds(ParkReason::paused));
  CHECK_FALSE(pending->done());
  bench.thread.poll();
  bench.loop.poll();
  REQUIRE(pending->done());
  CHECK(bench.outlived());
}

TEST_CASE("resume ends what an operator may end, durably, and nothing else") {
  PauseBench bench;
  REQUIRE(bench.finish(bench.pause.pause()));
  for (const auto reason : {ParkReason::refused, ParkReason::organisation, ParkReason::credentials,
                            ParkReason::endpoint, ParkReason::disk})
    bench.gate.park(reason);
  REQUIRE(bench.finish(bench.pause.resume()));
  const auto& parking = bench.gate.parking();
  CHECK_FALSE(parking.holds(ParkReason::paused));
  CHECK_FALSE(parking.holds(ParkReason::refused));
  CHECK_FALSE(parking.holds(ParkReason::organisation));
  CHECK(parking.holds(ParkReason::credentials));
  CHECK(parking.holds(ParkReason::endpoint));
  CHECK(parking.holds(ParkReason::disk));
  CHECK_FALSE(bench.outlived());
}

TEST_CASE(
    "of a pause and a resume that are under way together the later one counts, now and after a restart") {
  PauseBench bench;
  const auto both = [&bench](auto first, auto second) {
    const auto one = bench.loop.start(std::move(first));
    const auto other = bench.loop.start(std::move(second));
    while (!one->done() || !other->done()) {
      bench.thread.restart();
      bench.thread.poll();
      bench.loop.poll();
    }
    CHECK(*one->value);
    CHECK(*other->value);
  };
  REQUIRE(bench.finish(bench.pause.pause()));
  bench.gate.park(ParkReason::refused);
  both(bench.pause.resume(), bench.pause.pause());
  CHECK(bench.gate.parking().holds(ParkReason::paused));
  CHECK_FALSE(bench.gate.parking().holds(ParkReason::refused));
  CHECK(bench.outlived());
  both(bench.pause.pause(), bench.pause.resume());
  CHECK_FALSE(bench.gate.parking().holds(ParkReason::paused));
  CHECK_FALSE(bench.outlived());
}

TEST_CASE("resume gives the work to the organisation that it was parked for") {
  PauseBench bench;
  REQUIRE(bench.ledger.commit([](Ledger& ledger) { return ledger.set_fact("org_id", "o-1"); }));
  REQUIRE(bench.finish(bench.pause.resume()));
  CHECK(bench.ledger->fact("org_id").value() == "o-1");
  bench.parked_for = Organisation{"o-2", "https://api"};
  REQUIRE(bench.finish(bench.pause.resume()));
  CHECK(bench.ledger->fact("org_id").value() == "o-2");
  CHECK(bench.ledger->fact("base_url").value() == "https://api");
}

TEST_CASE("a restart finds what was refused, until an operator resumes") {
  PauseBench bench;
  REQUIRE(bench.ledger.commit([](Ledger& ledger) { return ledger.set_fact("refused", "yes"); }));
  CHECK(bench.outlived(ParkReason::refused));
  CHECK_FALSE(bench.outlived());
  REQUIRE(bench.finish(bench.pause.pause()));
  CHECK(bench.outlived(ParkReason::refused));
  CHECK(bench.outlived());
  REQUIRE(bench.finish(bench.pause.resume()));
  CHECK_FALSE(bench.outlived(ParkReason::refused));
  CHECK_FALSE(bench.outlived());
}

TEST_CASE("a restart knows since when it is paused or refused, however often somebody pauses") {
  PauseBench bench;
  const auto since = bench.loop.now();
  REQUIRE(bench.finish(bench.pause.pause()));
  bench.loop.pass(std::chrono::hours(5));
  REQUIRE(bench.finish(bench.pause.pause()));
  bench.loop.pass(std::chrono::hours(1));
  REQUIRE(bench.ledger.commit([](Ledger& ledger) { return ledger.set_fact("refused", "yes"); }));
  RequestGate next(bench.loop.executor(), bench.loop.timers, TokenBucket(10, 10), *bench.log);
  Pause again(bench.commits, next, bench.loop.timers, [] { return std::nullopt; });
  REQUIRE(again.restore(*bench.ledger.ledger));
  CHECK(next.parking().since(ParkReason::paused) == since);
  CHECK(next.parking().since(ParkReason::refused) == bench.loop.now());
}

}  // namespace
}  // namespace usherd::test
