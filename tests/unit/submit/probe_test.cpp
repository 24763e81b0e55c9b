#include "tests/unit/submit/api_bench.hpp"

#include <array>

using namespace usherd;
using namespace usherd::fakes;
using namespace usherd::test;
using namespace std::chrono_literals;

namespace {

bool is_post(const Request& request) {
  return request.method == Method::post;
}

}  // namespace

TEST_CASE("A probe under a key that was read anew waits until it is known whose that is") {
  for (const auto reason : {ParkReason::credentials, ParkReason::endpoint}) {
    for (const auto call : {Call::create, Call::status}) {
      // Nothing but POSTs stands still for an address.
      if (reason == ParkReason::endpoint && call == Call::status)
        continue;
      CAPTURE(to_string(reason));
      CAPTURE(to_string(call));
      ApiBench bench;
      bench.transport.push(answered(reason == ParkReason::credentials ? 401 : 404, "{}"));
      CHECK(bench.ask(call == Call::status ? Call::status : Call::create)->done());
      REQUIRE(bench.parked(reason));
      bool is_new = true;
      bench.rereading = [&] {
        if (is_new)
          bench.gate.hold_for_identity(true);
        is_new = false;
      };
      bench.transport.handle([](const Request&, const std::string&) { return answered(200, "{}"); });
      const auto probe = bench.ask(call, "/probe");
      const auto before = bench.sent();
      bench.loop.pass(10min);
      CHECK(bench.sent() == before);
      CHECK_FALSE(probe->done());
      // Neither does the question whose it is wait behind that probe, nor the probe any longer than for it.
      const auto identity = bench.ask(Call::me, "/me");
      REQUIRE(identity->done());
      CHECK_FALSE(probe->done());
      bench.gate.hold_for_identity(false);
      bench.loop.poll();
      CHECK(probe->done());
      CHECK_FALSE(bench.parked(reason));
    }
  }
}

TEST_CASE("What stops a probe while it is made ready stops it for as long as it lasts") {
  for (const auto reason : {ParkReason::paused, ParkReason::refused, ParkReason::organisation}) {
    CAPTURE(to_string(reason));
    ApiBench bench;
    bench.transport.push(answered(404, "{}"));
    CHECK(bench.ask(Call::create)->done());
    REQUIRE(bench.parked(ParkReason::endpoint));
    bench.rereading = [&] {
      bench.gate.park(reason);
      bench.rereading = {};
    };
    bench.transport.handle([](const Request&, const std::string&) { return answered(200, "{}"); });
    const auto probe = bench.ask(Call::create);
    bench.loop.pass(10min);
    CHECK(bench.sent() == 1);
    bench.gate.clear(reason);
    bench.loop.poll();
    CHECK(probe->done());
    CHECK_FALSE(bench.parked(ParkReason::endpoint));
  }
}

TEST_CASE("A key that may read and may not POST stays parked, and its pace grows, whatever reads find") {
  ApiBench bench;
  bool may_post = false;
  bench.transport.handle([&](const Request& request, const std::string&) {
    return answered(is_post(request) && !may_post ? 403 : 200, "{}");
  });
  CHECK(bench.ask(Call::create)->done());
  REQUIRE(bench.parked(ParkReason::credentials));
  const auto since = bench.gate.parking().since(ParkReason::credentials);
  unsigned posts = 0;
  unsigned reads = 0;
  std::shared_ptr<Pending<ApiClient::Reply>> post;
  std::shared_ptr<Pending<ApiClient::Reply>> read;
  for (int second = 0; second < 600; ++second) {
    if (!post || post->done()) {
      posts += post ? 1 : 0;
      post = bench.ask(Call::create);
    }
    if (!read || read->done()) {
      reads += read ? 1 : 0;
      read = bench.ask(Call::status);
    }
    bench.loop.pass(1s);
  }
  CHECK(bench.gate.parking().since(ParkReason::credentials) == since);
  CHECK(posts >= 10);
  CHECK(posts <= 15);
  CHECK(reads == 0);
  may_post = true;
  bench.loop.pass(1min);
  CHECK(post->done());
  CHECK(read->done());
  CHECK_FALSE(bench.parked(ParkReason::credentials));
}

TEST_CASE("Where nothing that was refused waits any more, another kind of request finds out") {
  ApiBench bench;
  bench.transport.push(answered(403, "{}"));
  CHECK(bench.ask(Call::create)->done());
  REQUIRE(bench.parked(ParkReason::credentials));
  bench.transport.handle([](const Request&, const std::string&) { return answered(200, "{}"); });
  SUBCASE("with no POST at all") {
    const auto read = bench.ask(Call::status);
    bench.loop.pass(2s);
    CHECK(read->done());
    CHECK(bench.parked(ParkReason::credentials));
  }
  SUBCASE("with POSTs that are paused") {
    bench.gate.park(ParkReason::paused);
    const auto post = bench.ask(Call::create);
    const auto read = bench.ask(Call::status);
    bench.loop.pass(2s);
    CHECK(read->done());
    CHECK_FALSE(post->done());
  }
}

TEST_CASE("Each kind of request clears what it met, and a POST and a read that GET /me was refused") {
  struct Row {
    Call met;
    unsigned status;
    Call answered;
    ParkReason reason;
    bool clears;
  };
  constexpr std::array kRows{
      Row{Call::create, 403, Call::create, ParkReason::credentials, true},
      Row{Call::create, 401, Call::status, ParkReason::credentials, false},
      Row{Call::create, 401, Call::me, ParkReason::credentials, false},
      Row{Call::status, 403, Call::status, ParkReason::credentials, true},
      Row{Call::status, 403, Call::create, ParkReason::credentials, false},
      Row{Call::me, 401, Call::me, ParkReason::credentials, true},
      Row{Call::me, 401, Call::status, ParkReason::credentials, true},
      Row{Call::me, 401, Call::create, ParkReason::credentials, true},
      Row{Call::create, 404, Call::create, ParkReason::endpoint, true},
      Row{Call::create, 404, Call::status, ParkReason::endpoint, false},
      Row{Call::status, 302, Call::create, ParkReason::endpoint, false},
      Row{Call::status, 302, Call::status, ParkReason::endpoint, true},
  };
  for (const auto& row : kRows) {
    CAPTURE(to_string(row.met));
    CAPTURE(row.status);
    CAPTURE(to_string(row.answered));
    ApiBench bench;
    bench.transport.push(answered(row.status, "{}"));
    CHECK(bench.ask(row.met)->done());
    REQUIRE(bench.parked(row.reason));
    bench.transport.handle([](const Request&, const std::string&) { return answered(200, "{}"); });
    const auto asked = bench.ask(row.answered);
    bench.loop.pass(2s);
    CHECK(asked->done());
    CHECK(bench.parked(row.reason) == !row.clears);
  }
}

TEST_CASE("A role that may not read results says nothing about the key, nor that it is good") {
  ApiBench bench;
  bench.transport.push(answered(403, "{}"));
  CHECK(bench.ask(Call::errors)->done());
  CHECK_FALSE(bench.parked(ParkReason::credentials));
  bench.transport.push(answered(403, "{}"));
  CHECK(bench.ask(Call::status)->done());
  REQUIRE(bench.parked(ParkReason::credentials));
  bench.transport.handle([](const Request& request, const std::string&) {
    return answered(request.target == "/me" ? 200 : 403, "{}");
  });
  const auto results = bench.ask(Call::errors);
  bench.loop.pass(2s);
  CHECK(results->done());
  CHECK(bench.parked(ParkReason::credentials));
}

TEST_CASE("A good word of GET /me lets what was refused try at once, whatever its pace had come to") {
  ApiBench bench;
  bench.transport.handle([](const Request& request, const std::string&) {
    return answered(is_post(request) ? 403 : 200, "{}");
  });
  CHECK(bench.ask(Call::create)->done());
  for (int i = 0; i < 6; ++i) {
    const auto again = bench.ask(Call::create);
    bench.loop.pass(1min);
    REQUIRE(again->done());
  }
  bench.gate.hold_for_identity(true);
  const auto post = bench.ask(Call::create);
  bench.loop.pass(1min);
  CHECK_FALSE(post->done());
  bench.transport.handle([](const Request&, const std::string&) { return answered(200, "{}"); });
  CHECK(bench.ask(Call::me)->done());
  CHECK(bench.parked(ParkReason::credentials));
  bench.gate.hold_for_identity(false);
  bench.loop.poll();
  CHECK(post->done());
  CHECK_FALSE(bench.parked(ParkReason::credentials));
}

TEST_CASE("A probe whose connection never comes about ends, and is made again at a growing pace") {
  ApiBench bench;
  bench.transport.push(answered(404, "{}"));
  CHECK(bench.ask(Call::create)->done());
  REQUIRE(bench.parked(ParkReason::endpoint));
  bench.transport.handle([](const Request&, const std::string&) { return answered(200, "{}"); });
  bench.transport.fail_dials(true);
  unsigned notes = 0;
  unsigned tries = 0;
  std::shared_ptr<Pending<ApiClient::Reply>> probe;
  for (int second = 0; second < 600; ++second) {
    if (!probe || probe->done()) {
      tries += probe ? 1 : 0;
      probe = bench.ask_noted(notes);
    }
    bench.loop.pass(1s);
  }
  CHECK(tries >= 10);
  CHECK(tries <= 15);
  CHECK(notes == 0);
  bench.transport.fail_dials(false);
  bench.loop.pass(1min);
  CHECK(probe->done());
  CHECK(notes == 1);
  CHECK_FALSE(bench.parked(ParkReason::endpoint));
}
