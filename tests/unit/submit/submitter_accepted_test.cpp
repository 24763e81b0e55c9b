#include "usherd/submit/submitter.hpp"

#include "tests/unit/submit/submit_bench.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using usherd::test::job;
using usherd::test::SubmitBench;
using namespace std::chrono_literals;

TEST_CASE("A job that is named under another 2xx than 200 was accepted as well") {
  for (const unsigned status : {201U, 202U}) {
    CAPTURE(status);
    SubmitBench bench;
    auto* batch = bench.batch(2);
    bench.answer([status](const Request&, const std::string&) {
      auto created = job("j/1=");
      created.status = status;
      return created;
    });
    const auto done = bench.submit(*batch);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::accepted);
    CHECK(bench.stored(1).job == "j/1=");
    CHECK(bench.keys().size() == 1);
    CHECK(bench.bench.api.jobs().is_of_another("j/1=", 2));
  }
}

TEST_CASE("The body of a job that was given up does not go out again, wherever its POST waits") {
  for (const bool connects : {false, true}) {
    CAPTURE(connects);
    SubmitBench bench;
    auto* batch = bench.batch(2);
    bench.answer_always(job("j/1="));
    if (!connects) {
      REQUIRE(bench.submit(*batch)->value);
      bench.bench.gate.park(ParkReason::paused);
    } else {
      bench.bench.transport.hold_dials();
      batch->row.state = BatchState::accepted;
    }
    const auto before = bench.keys().size();
    const auto answer = bench.bench.loop.start(bench.submitter.repost(*batch));
    bench.bench.loop.pass(5s);
    CHECK_FALSE(answer->done());
    batch->is_abandoned = true;
    bench.bench.gate.clear(ParkReason::paused);
    bench.bench.transport.release();
    bench.bench.loop.pass(5s);
    CHECK(bench.keys().size() == before);
    REQUIRE(answer->value);
    CHECK(answer->value->error().code == Errc::cancelled);
  }
}

TEST_CASE("A key of which nothing left for want of a connection has no send time in the ledger") {
  SubmitBench bench;
  auto* batch = bench.batch(2);
  batch->row.sent = bench.submitter.send_time();
  REQUIRE(bench.ledger.commit([&](Ledger& ledger) { return ledger.set_sent(1, batch->row.sent); }));
  bench.answer_always(fakes::lost(Progress::nothing));
  const auto done = bench.submit(*batch);
  CHECK(bench.keys().size() == 1);
  CHECK_FALSE(bench.stored(1).sent);
  // The next try gets no connection at all: until one stands there is nothing to be noted.
  bench.bench.transport.hold_dials();
  bench.bench.loop.pass(30s);
  CHECK_FALSE(bench.stored(1).sent);
  bool at_send = false;
  bench.answer([&](const Request&, const std::string&) {
    at_send = bench.stored(1).sent.has_value();
    return job("j/1=");
  });
  bench.bench.transport.release();
  bench.bench.loop.pass(1s);
  CHECK(at_send);
  CHECK(bench.stored(1).job == "j/1=");
  CHECK(done->done());
}

TEST_CASE("Both clocks agree on how long before its job a batch was sent, whatever was done to one of them") {
  for (const auto step : {-48h, 0h, 48h}) {
    CAPTURE(step.count());
    SubmitBench bench;
    auto* batch = bench.batch(2);
    const auto sent = bench.submitter.send_time();
    bench.answer([&](const Request&, const std::string&) {
      bench.bench.loop.timers.jump_wall(step);
      return job("j/1=");
    });
    REQUIRE(bench.submit(*batch)->value);
    const auto row = bench.stored(1);
    REQUIRE(row.sent);
    REQUIRE(row.submitted);
    CHECK(*row.submitted - row.sent->wall == bench.bench.loop.now() - row.sent->boot);
    // The key is no younger for it.
    CHECK(row.sent->wall <= sent.wall);
    CHECK(row.sent->boot <= sent.boot);
    CHECK(batch->row.sent->wall == row.sent->wall);
    CHECK(batch->row.sent->boot == row.sent->boot);
  }
}
