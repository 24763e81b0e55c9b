#include "usherd/submit/api_client.hpp"

#include "tests/unit/submit/api_bench.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace usherd;
using usherd::fakes::answered;
using usherd::fakes::lost;
using usherd::test::ApiBench;
using namespace std::chrono_literals;

TEST_CASE("A request carries the key as it is, and its idempotency key") {
  ApiBench bench;
  bench.transport.push(answered(200, "{}"));
  ApiRequest request;
  request.call = Call::create;
  request.method = Method::post;
  request.target = "/v2/users/batch";
  request.idempotency_key = "key-1";
  const auto reply = bench.loop.run(bench.api.call(std::move(request)));
  CHECK(reply.exchange.status == 200);
  REQUIRE(bench.sent() == 1);
  const auto& seen = bench.transport.requests()[0];
  CHECK(seen.target == "/v2/users/batch");
  CHECK(seen.header("Authorization") == "Basic first");
  CHECK(seen.header("Idempotency-Key") == "key-1");
  CHECK(seen.header("Accept") == "application/json");
}

TEST_CASE("A 429 holds back every request of the client for as long as the answer asks, in each form of it") {
  struct Row {
    std::string retry_after;
    std::string date;
    Milliseconds wait;
  };
  const Row rows[] = {
      {"7", "", 7s},
      {"0", "", 100ms},
      {"1.5", "", 1500ms},
      {"Tue, 24 Nov 2026 00:00:09 GMT", "Tue, 24 Nov 2026 00:00:05 GMT", 4s},
      {"Tue, 24 Nov 2026 00:00:09 GMT", "", 9s},
      {"Tue, 24 Nov 2026 00:00:01 GMT", "Tue, 24 Nov 2026 00:00:05 GMT", 100ms},
      {"", "", 1s},
      {"soon", "", 1s},
      {"-3", "", 1s},
      {"99999999999999999999", "", 720h},
  };
  for (const auto& row : rows) {
    CAPTURE(row.retry_after);
    CAPTURE(row.date);
    ApiBench bench;
    auto refusal = answered(429, "{}", row.retry_after);
    refusal.date = row.date;
    bench.transport.push(refusal);
    CHECK(bench.loop.run(bench.api.call(ApiRequest{})).exchange.status == 429);
    const auto read = bench.ask(Call::status);
    const auto post = bench.ask(Call::create);
    bench.loop.pass(row.wait - 1ms);
    CHECK(bench.sent() == 1);
    bench.loop.pass(1ms);
    CHECK(bench.sent() == 3);
    CHECK(read->done());
    CHECK(post->done());
  }
}

TEST_CASE("429s that name no time are waited out twice as long each time, to a minute") {
  ApiBench ladder;
  ladder.transport.handle([](const Request&, const std::string&) { return answered(429, ""); });
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    const auto before = ladder.sent();
    CHECK(ladder.ask(Call::status)->done());
    CHECK(ladder.sent() == before + 1);
    CHECK(ladder.gate.held_until() - ladder.loop.now() == wait);
    ladder.loop.pass(wait);
  }
  ladder.transport.push(answered(200, "{}"));
  CHECK(ladder.ask(Call::status)->done());
  CHECK(ladder.ask(Call::status)->done());
  CHECK(ladder.gate.held_until() - ladder.loop.now() == 1s);
}

TEST_CASE("A refused key parks all that needs one; it is read again, and GET /me asks before a POST does") {
  ApiBench bench;
  bench.transport.push(answered(401, "{}"));
  CHECK(bench.ask(Call::create)->value->exchange.status == 401);
  CHECK(bench.parked(ParkReason::credentials));
  CHECK(bench.rereads == 1);
  const auto post = bench.ask(Call::create, "/batch");
  const auto poll = bench.ask(Call::status, "/job");
  // The key stays bad for a while: the pace of the probes grows, and nothing but GET /me goes out.
  bench.transport.handle([](const Request&, const std::string&) { return answered(401, "{}"); });
  std::vector<BootTime> probes;
  for (int i = 0; i < 4; ++i) {
    const auto before = bench.sent();
    while (bench.sent() == before)
      bench.loop.pass(1s);
    CHECK(bench.sent() == before + 1);
    CHECK(bench.last_target() == "/me");
    probes.push_back(bench.loop.now());
  }
  CHECK(probes[1] - probes[0] == 4s);
  CHECK(probes[2] - probes[1] == 8s);
  CHECK(probes[3] - probes[2] == 16s);
  CHECK_FALSE(post->done());
  CHECK_FALSE(poll->done());

  bench.key = "second";
  bench.transport.handle([](const Request&, const std::string&) { return answered(200, "{}"); });
  bench.loop.pass(32s);
  CHECK_FALSE(bench.parked(ParkReason::credentials));
  CHECK(post->done());
  CHECK(poll->done());
  CHECK(bench.transport.requests().back().header("Authorization") == "Basic second");
  CHECK(bench.rereads >= 5);
}

TEST_CASE("GET /me tells a 401 that was stored for an idempotency key from a word about the API key") {
  ApiBench bench;
  bool key_is_good = true;
  bench.transport.handle([&](const Request& request, const std::string&) {
    const bool good = key_is_good && request.target != "/stored";
    return answered(good ? 200 : 401, "{}");
  });
  const auto post = [&](bool may_be_replayed) {
    ApiRequest request;
    request.call = Call::create;
    request.method = Method::post;
    request.target = "/stored";
    request.may_be_replayed = may_be_replayed;
    return bench.loop.start(bench.api.call(std::move(request)));
  };
  SUBCASE("the question comes before the parking") {
    for (std::size_t tries = 1; tries <= 2; ++tries) {
      CHECK(post(true)->value->replayed);
      CHECK(bench.sent() == 2 * tries);
      CHECK(bench.last_target() == "/me");
      CHECK_FALSE(bench.parked(ParkReason::credentials));
    }
  }
  SUBCASE("one that cannot be a stored answer parks, and still does when the probe asked GET /me") {
    CHECK_FALSE(post(false)->value->replayed);
    CHECK(bench.sent() == 1);
    CHECK(bench.parked(ParkReason::credentials));
    const auto again = post(false);
    bench.loop.pass(1min);
    CHECK_FALSE(again->value->replayed);
    CHECK(bench.parked(ParkReason::credentials));
  }
  SUBCASE("while others are parked the probe asks") {
    CHECK_FALSE(post(false)->value->replayed);
    const auto again = post(true);
    bench.loop.pass(1min);
    CHECK(again->value->replayed);
    CHECK(bench.sent() == 3);
    CHECK_FALSE(bench.parked(ParkReason::credentials));
  }
  SUBCASE("as the probe of another reason it ends that one, and holds nobody up") {
    bench.gate.park(ParkReason::endpoint);
    const auto probe = post(true);
    const auto other = bench.ask(Call::create);
    // It is out for long enough that the other waits for what it finds.
    bench.transport.hold();
    bench.loop.pass(1min);
    CHECK_FALSE(probe->done());
    bench.transport.release();
    bench.loop.pass(1min);
    REQUIRE(probe->done());
    CHECK(probe->value->replayed);
    CHECK_FALSE(bench.parked(ParkReason::endpoint));
    REQUIRE(other->done());
    CHECK(other->value->exchange.status == 200);
  }
  SUBCASE("a key that is revoked parks") {
    key_is_good = false;
    CHECK_FALSE(post(true)->value->replayed);
    CHECK(bench.parked(ParkReason::credentials));
  }
  SUBCASE("so does a server that cannot tell") {
    bench.transport.handle([](const Request& request, const std::string&) {
      return answered(request.target == "/me" ? 404 : 401, "{}");
    });
    CHECK_FALSE(post(true)->value->replayed);
    CHECK(bench.parked(ParkReason::credentials));
  }
}

TEST_CASE("What each answer parks") {
  struct Row {
    Call call;
    unsigned status;
    std::optional<ParkReason> parks;
  };
  const Row rows[] = {
      {Call::create, 401, ParkReason::credentials},
      {Call::status, 401, ParkReason::credentials},
      {Call::errors, 401, ParkReason::credentials},
      {Call::create, 403, ParkReason::credentials},
      {Call::status, 403, ParkReason::credentials},
      {Call::errors, 403, {}},
      {Call::imports, 403, {}},
      {Call::me, 403, {}},
      {Call::create, 404, ParkReason::endpoint},
      {Call::status, 404, {}},
      {Call::me, 404, {}},
      {Call::create, 302, ParkReason::endpoint},
      {Call::status, 301, ParkReason::endpoint},
      {Call::errors, 307, ParkReason::endpoint},
      {Call::create, 500, {}},
      {Call::create, 413, {}},
      {Call::create, 400, {}},
      {Call::create, 503, {}},
  };
  for (const auto& row : rows) {
    CAPTURE(to_string(row.call));
    CAPTURE(row.status);
    ApiBench bench;
    bench.transport.push(answered(row.status, "{}"));
    CHECK(bench.ask(row.call)->done());
    CHECK(bench.gate.parking().first() == row.parks);
  }
}

TEST_CASE("While the endpoint is wrong POSTs stand still and reads go on") {
  ApiBench bench;
  bench.transport.push(answered(404, "<html>"));
  CHECK(bench.ask(Call::create)->done());
  CHECK(bench.passes(Call::status));
  CHECK(bench.parked(ParkReason::endpoint));
  const auto post = bench.ask(Call::create);
  bench.loop.pass(1900ms);
  CHECK_FALSE(post->done());
  bench.transport.push(answered(200, "{}"));
  bench.loop.pass(100ms);
  CHECK(post->done());
  CHECK_FALSE(bench.parked(ParkReason::endpoint));
}

TEST_CASE("A redirect that only reads met is over when a read passes") {
  ApiBench bench;
  bench.transport.push(answered(302, ""));
  CHECK(bench.ask(Call::status)->done());
  CHECK(bench.parked(ParkReason::endpoint));
  CHECK(bench.passes(Call::status));
  CHECK_FALSE(bench.parked(ParkReason::endpoint));
}

TEST_CASE("A probe that comes to nothing leaves the reason and slows the pace") {
  for (const auto& outcome : {answered(503, ""), lost(Progress::nothing), lost(Progress::body_written)}) {
    ApiBench bench;
    bench.transport.push(answered(404, ""));
    CHECK(bench.ask(Call::create)->done());
    const auto first = bench.ask(Call::create);
    bench.transport.push(outcome);
    bench.loop.pass(2s);
    CHECK(first->done());
    CHECK(bench.parked(ParkReason::endpoint));
    const auto second = bench.ask(Call::create);
    bench.loop.pass(3900ms);
    CHECK_FALSE(second->done());
    bench.transport.push(answered(200, "{}"));
    bench.loop.pass(100ms);
    CHECK(second->done());
  }
}

TEST_CASE("A wait of more than ten minutes is told of once, with its end") {
  ApiBench bench;
  const auto told = [&bench] {
    const std::string lines = bench.lines.str();
    std::size_t count = 0;
    for (auto at = lines.find("holds all requests"); at != std::string::npos;
         at = lines.find("holds all requests", at + 1))
      ++count;
    return count;
  };
  bench.transport.push(answered(429, "{}", "600"));
  const auto first = bench.ask(Call::status);
  CHECK(told() == 0);
  bench.transport.push(answered(429, "{}", "99999999999999999999"));
  bench.transport.push(answered(429, "{}", "86370"));
  const auto second = bench.ask(Call::status);
  bench.loop.pass(10min);
  CHECK(told() == 1);
  CHECK(bench.lines.str().find("(429, Retry-After) holds all requests for 30d 0h, until ") !=
        std::string::npos);
}

TEST_CASE("Requests that waited for a session together leave at the rate") {
  ApiBench bench(2);
  bench.gate.configure(2, 3);
  bench.transport.handle([](const Request&, const std::string&) { return answered(200, "{}"); });
  bench.transport.hold();
  for (int i = 0; i < 12; ++i)
    (void)bench.ask(Call::status);
  bench.loop.pass(60s);
  CHECK(bench.transport.busy() == 2);
  const auto before = bench.sent();
  bench.transport.release();
  bench.loop.poll();
  CHECK(bench.sent() - before <= 3 + 2);
  bench.loop.pass(1s);
  CHECK(bench.sent() - before <= 3 + 2 + 2);
  bench.loop.pass(10s);
  CHECK(bench.sent() == 12);
}

TEST_CASE("GET /me beside a refused POST counts among the requests") {
  ApiBench bench;
  bench.gate.configure(2, 2);
  bench.transport.handle([](const Request& request, const std::string&) {
    return request.target == "/me" ? answered(200, "{}") : answered(401, "{}");
  });
  const auto refused = [&bench] {
    ApiRequest request;
    request.call = Call::create;
    request.may_be_replayed = true;
    return bench.loop.start(bench.api.call(std::move(request)));
  };
  for (int i = 0; i < 20; ++i)
    (void)refused();
  bench.loop.pass(10001ms);
  CHECK(bench.sent() == 2 + 20);
}

TEST_CASE("Exchanges under way are counted, and the last one to end is told") {
  ApiBench bench;
  unsigned quiet = 0;
  bench.api.on_quiet([&quiet] { ++quiet; });
  bench.transport.hold();
  const auto first = bench.ask(Call::status);
  const auto second = bench.ask(Call::status);
  CHECK(bench.api.in_flight() == 2);
  CHECK(quiet == 0);
  bench.transport.release();
  bench.loop.poll();
  CHECK(first->done());
  CHECK(second->done());
  CHECK(bench.api.in_flight() == 0);
  CHECK(quiet == 1);
}

TEST_CASE("Who waits when the gate closes is sent home without a request") {
  ApiBench bench;
  bench.gate.hold_until(bench.loop.now() + 1h);
  const auto asked = bench.ask(Call::status);
  bench.close();
  REQUIRE(asked->value);
  CHECK(asked->value->stopped);
  CHECK(bench.sent() == 0);
}
