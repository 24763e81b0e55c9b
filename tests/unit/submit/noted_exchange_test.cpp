#include "tests/unit/submit/api_bench.hpp"
#include "usherd/ports/waits.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string_view>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

/// Three pieces, each taken a minute after the one before.
class SlowBody final : public BodySource {
 public:
  explicit SlowBody(Timers& timers) : timers_(timers) {}
  [[nodiscard]] std::uint64_t length() const override { return 3 * kPiece.size(); }
  [[nodiscard]] boost::asio::awaitable<Result<std::span<const char>>> next() override {
    const auto alarm = timers_.alarm();
    co_await alarm->wait_until(timers_.now().boot + 1min);
    co_return std::span<const char>(kPiece.data(), kPiece.size());
  }

 private:
  static constexpr std::string_view kPiece = "piece";
  Timers& timers_;
};

}  // namespace

TEST_CASE("An upload that gets on is not overdue, however long it takes; one that hangs is") {
  test::ApiBench bench;
  Waits waits;
  ApiClient api{ApiClient::Options{[] { return "Basic key"; }, [] {}, {}, &waits, [] { return 90s; }},
                bench.gate, bench.sessions, bench.loop.timers, *bench.log};
  SlowBody body(bench.loop.timers);
  bench.transport.hold();
  ApiRequest request;
  request.call = Call::create;
  request.method = Method::post;
  request.target = "/v2/users/batch";
  request.body = &body;
  const auto sent = bench.loop.start(api.call(std::move(request)));
  const auto begun = bench.loop.now();
  for (const auto taken : {0min, 1min, 2min}) {
    CAPTURE(taken.count());
    REQUIRE(waits.first());
    CHECK(waits.first()->at == begun + taken + 90s);
    CHECK(waits.timed(WaitFor::exchange) == 1);
    bench.loop.pass(1min);
  }
  // All of it was taken, and nobody answers.
  bench.loop.pass(10min);
  REQUIRE(waits.first());
  CHECK(waits.first()->at == begun + 2min + 90s);
  bench.transport.release();
  bench.loop.poll();
  CHECK(sent->done());
  CHECK_FALSE(waits.first());
}

TEST_CASE("A limit that a reload changes holds for exchanges begun afterwards") {
  for (const BootClock::duration after : {10s, 1000s}) {
    CAPTURE(after.count());
    test::ApiBench bench;
    Waits waits;
    BootClock::duration limit = 90s;
    ApiClient api{
        ApiClient::Options{[] { return "Basic key"; }, [] {}, {}, &waits, [&limit] { return limit; }},
        bench.gate, bench.sessions, bench.loop.timers, *bench.log};
    SlowBody body(bench.loop.timers);
    bench.transport.hold();
    ApiRequest upload;
    upload.call = Call::create;
    upload.method = Method::post;
    upload.body = &body;
    const auto first = bench.loop.start(api.call(std::move(upload)));
    const auto begun = bench.loop.now();
    limit = after;
    bench.loop.pass(1min);
    REQUIRE(waits.first());
    CHECK(waits.first()->at == begun + 1min + 90s);
    bench.loop.pass(2min);
    bench.transport.release();
    bench.loop.poll();
    CHECK(first->done());

    bench.transport.hold();
    const auto second = bench.loop.start(api.call(ApiRequest{}));
    REQUIRE(waits.first());
    CHECK(waits.first()->at == bench.loop.now() + after);
    bench.transport.release();
    bench.loop.poll();
    CHECK(second->done());
  }
}
