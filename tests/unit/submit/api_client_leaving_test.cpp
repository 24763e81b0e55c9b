#include "usherd/submit/api_client.hpp"

#include "tests/unit/submit/api_bench.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace usherd;
using usherd::fakes::answered;
using usherd::test::ApiBench;
using namespace std::chrono_literals;

namespace {

boost::asio::awaitable<Result<void>> refuses() {
  co_return Error{Errc::timeout, "no"};
}

/// What happens between leave to send and the sending.
struct Meanwhile {
  ApiBench& bench;
  unsigned calls = 0;
  boost::asio::awaitable<Result<void>> act() {
    if (calls++ == 0)
      bench.gate.hold_until(bench.loop.now() + 5s);
    co_return Result<void>{};
  }
};

}  // namespace

TEST_CASE("Nothing is sent when what must be durable before is not") {
  ApiBench bench;
  ApiRequest request;
  request.call = Call::create;
  request.before_send = [] { return refuses(); };
  const auto reply = bench.loop.run(bench.api.call(std::move(request)));
  REQUIRE(reply.not_sent);
  CHECK(reply.not_sent->code == Errc::timeout);
  CHECK(bench.sent() == 0);
}

TEST_CASE("A Retry-After that comes while a request is being made ready binds it too") {
  ApiBench bench;
  bench.transport.push(answered(200, "{}"));
  Meanwhile meanwhile{bench};
  ApiRequest request;
  request.call = Call::create;
  request.before_send = [&meanwhile] { return meanwhile.act(); };
  const auto asked = bench.loop.start(bench.api.call(std::move(request)));
  bench.loop.pass(4999ms);
  CHECK(bench.sent() == 0);
  bench.loop.pass(1ms);
  CHECK(bench.sent() == 1);
  CHECK(asked->done());
}

TEST_CASE("What comes to bind a request while it connects binds it before its first byte") {
  for (const bool paused : {true, false}) {
    CAPTURE(paused);
    ApiBench bench;
    bench.transport.hold_dials();
    bench.transport.push(answered(200, "{}"));
    unsigned sending = 0;
    ApiRequest request;
    request.call = Call::create;
    request.sending = [&sending] { ++sending; };
    const auto asked = bench.loop.start(bench.api.call(std::move(request)));
    if (paused)
      bench.gate.park(ParkReason::paused);
    else
      bench.gate.hold_until(bench.loop.now() + 6s);
    bench.transport.release();
    bench.loop.pass(5999ms);
    CHECK(bench.sent() == 0);
    CHECK(sending == 0);
    if (paused)
      bench.gate.clear(ParkReason::paused);
    bench.loop.pass(1ms);
    CHECK(bench.sent() == 1);
    CHECK(sending == 1);
    CHECK(asked->done());
    // That one was ready all the time.
    CHECK(bench.transport.closed() == 0);
  }
}
