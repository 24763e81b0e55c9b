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
