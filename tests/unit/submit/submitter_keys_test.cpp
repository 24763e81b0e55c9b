#include "usherd/submit/submitter.hpp"

#include "tests/unit/submit/submit_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace usherd;
using usherd::fakes::answered;
using usherd::fakes::lost;
using usherd::test::api_error;
using usherd::test::job;
using usherd::test::SubmitBench;
using namespace std::chrono_literals;

TEST_CASE("A key older than 23 hours is not sent again, by the larger of both clocks") {
  struct Row {
    std::string name;
    Milliseconds wall_ago;
    BootClock::duration boot_ago;
    std::string boot_id;
    bool expired;
  };
  const Row rows[] = {
      {"fresh", 1min, 1min, "boot-1", false},
      {"old", 23h, 23h, "boot-1", true},
      {"nearly", 22h, 22h, "boot-1", false},
      {"the wall clock was set back", -48h, 24h, "boot-1", true},
      {"the wall clock was set forward", 48h, 1min, "boot-1", true},
      {"another boot, by the wall", 24h, 0min, "boot-0", true},
      {"another boot, just now", 1min, 0min, "boot-0", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    SubmitBench bench;
    bench.bench.loop.timers.advance(30h);
    auto* batch = bench.batch(1);
    const auto now = bench.bench.loop.timers.now();
    batch->row.sent = SendTime{now.wall - row.wall_ago, now.boot - row.boot_ago, row.boot_id};
    batch->tried = false;
    if (row.boot_id != "boot-1" && !row.expired) {
      // The machine has been up for longer than the key may live: it cannot be younger than that by the wall.
      continue;
    }
    bench.answer_always(job("j"));
    const auto done = bench.submit(*batch);
    REQUIRE(done->value);
    CHECK(done->value->end == (row.expired ? SubmitEnd::expired : SubmitEnd::accepted));
    CHECK(bench.keys().empty() == row.expired);
  }
}

TEST_CASE(
    "A 401 that one key alone draws for ten minutes is the answer to its earlier try: another key goes out") {
  SubmitBench bench;
  auto* batch = bench.batch(1);
  const auto key = batch->row.key;
  bench.bench.transport.push(lost(Progress::body_written));
  bench.answer([&](const Request& request, const std::string&) {
    const bool is_stored = std::any_of(request.headers.begin(), request.headers.end(),
                                       [&](const Header& header) { return header.value == key; });
    return is_stored ? api_error(401) : job("j");
  });
  const auto done = bench.submit(*batch);
  const auto tries_with_the_key = [&] {
    const auto keys = bench.keys();
    return std::count(keys.begin(), keys.end(), key);
  };
  SUBCASE("nobody else shows that the API key may post: it is kept for as long as it lives") {
    bench.bench.loop.pass(5h);
    CHECK_FALSE(done->done());
    CHECK(tries_with_the_key() > 100);
    CHECK(tries_with_the_key() == static_cast<long>(bench.keys().size()));
  }
  SUBCASE("another batch passes meanwhile") {
    bench.bench.loop.pass(1min);
    bench.let_one_pass();
    bench.bench.loop.pass(6min);
    CHECK_FALSE(done->done());
    bench.bench.loop.pass(4min);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::accepted);
    CHECK(batch->row.key != key);
    const auto stored = bench.stored(1);
    CHECK(stored.key == batch->row.key);
    CHECK(stored.rekey_reason.empty());
    CHECK(batch->row.abandoned == 0);
    CHECK_FALSE(bench.bench.parked(ParkReason::credentials));
  }
}

TEST_CASE("A connection that never came to be does not age the key") {
  SubmitBench bench;
  auto* batch = bench.batch(1);
  const auto key = batch->row.key;
  bench.answer_always(lost(Progress::nothing));
  const auto done = bench.submit(*batch);
  bench.bench.loop.pass(30h);
  CHECK_FALSE(done->done());
  bench.answer_always(job("j"));
  bench.bench.loop.pass(2min);
  REQUIRE(done->value);
  CHECK(done->value->end == SubmitEnd::accepted);
  CHECK(bench.keys().back() == key);
}

TEST_CASE("A new key that was held at the last moment is known not to have been sent") {
  SubmitBench bench;
  auto* batch = bench.batch(1);
  const auto key = batch->row.key;
  auto& api = bench.bench;
  api.transport.push(answered(429, "{}", "1"));
  const auto done = bench.submit(*batch);
  api.loop.pass(500ms);
  CHECK(batch->row.key != key);
  // Another's Retry-After comes when its send time has just become durable.
  api.gate.park(ParkReason::disk);
  api.gate.on_change([&api] {
    if (!api.parked(ParkReason::disk))
      api.gate.hold_until(api.loop.now() + 1h);
  });
  api.loop.pass(1s);
  REQUIRE(bench.stored(1).sent);
  CHECK(api.sent() == 1);
  CHECK(batch->surely_never_sent());
  api.gate.on_change({});
  bench.answer_always(job("j"));
  api.loop.pass(2h);
  CHECK(done->done());
}

TEST_CASE("A vanished job's key is asked once more for its job") {
  struct Row {
    std::string name;
    Exchange answer;
    std::string job;  ///< empty: an error
    Errc error = Errc::io;
  };
  const Row rows[] = {
      {"another job", job("second"), "second"},
      {"the same", job("first"), "first"},
      {"no answer", lost(Progress::body_written), "", Errc::timeout},
      {"the whole client waits", answered(429, "{}"), "", Errc::timeout},
      {"a server error", answered(500, "{}"), "", Errc::unavailable},
      {"a conflict may pass", api_error(409), "", Errc::unavailable},
      {"it refuses what it took", api_error(400), "", Errc::invalid},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    SubmitBench bench;
    auto* batch = bench.batch(2);
    const auto key = batch->row.key;
    bench.bench.transport.push(job("first"));
    REQUIRE(bench.submit(*batch)->value->end == SubmitEnd::accepted);
    bench.bench.transport.push(row.answer);
    const auto again = bench.bench.loop.run(bench.submitter.repost(*batch));
    CHECK(bench.keys() == std::vector<std::string>{key, key});
    if (row.job.empty()) {
      REQUIRE(again.has_error());
      CHECK(again.error().code == row.error);
    } else {
      REQUIRE(again.has_value());
      CHECK(again->id == row.job);
    }
  }
  SubmitBench late;
  auto* batch = late.batch(1);
  late.bench.transport.push(job("first"));
  REQUIRE(late.submit(*batch)->value->end == SubmitEnd::accepted);
  late.bench.loop.timers.advance(23h);
  const auto again = late.bench.loop.run(late.submitter.repost(*batch));
  CHECK(again.error().code == Errc::not_found);
  CHECK(late.bench.sent() == 1);
}
