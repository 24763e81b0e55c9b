#include "usherd/submit/request_gate.hpp"

#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

struct Entered {
  int name = 0;
  Admission admission;
  BootTime at{};
};

struct Bench {
  explicit Bench(double rate = 1000, double burst = 1000)
      : gate(loop.executor(), loop.timers, {rate, burst}, *log) {}
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  /// Who still waits goes home before the gate does: its coroutine holds a place in it.
  ~Bench() {
    gate.on_change({});
    gate.close();
    loop.poll();
  }

  test::Loop loop;
  std::shared_ptr<Log> log = make_silent_log();
  RequestGate gate;
  std::vector<Entered> entered;

  static boost::asio::awaitable<void> admit(Bench& bench, int name, CallKind kind) {
    const auto admission = co_await bench.gate.admit(kind);
    bench.entered.push_back({name, admission, bench.loop.now()});
  }
  void ask(int name, CallKind kind = CallKind::post) {
    boost::asio::co_spawn(loop.context, admit(*this, name, kind), [](std::exception_ptr) {});
    loop.poll();
  }
  /// Who came through since the last call, in order; "!" marks a probe, "-" one that was sent home.
  std::string came() {
    std::string out;
    for (; seen_ < entered.size(); ++seen_) {
      out += std::to_string(entered[seen_].name);
      out += entered[seen_].admission.probes ? "!" : "";
      out += entered[seen_].admission.open ? "" : "-";
      out += " ";
    }
    return out;
  }

 private:
  std::size_t seen_ = 0;
};

}  // namespace

TEST_CASE("Requests pass at the rate, first come, first served") {
  Bench bench(10, 2);
  for (int name = 1; name <= 5; ++name)
    bench.ask(name);
  CHECK(bench.came() == "1 2 ");
  bench.loop.pass(101ms);
  CHECK(bench.came() == "3 ");
  bench.ask(6);
  bench.loop.pass(200ms);
  CHECK(bench.came() == "4 5 ");
  bench.loop.pass(100ms);
  CHECK(bench.came() == "6 ");
}

TEST_CASE("Reads and posts share the rate, and neither waits for the other's turn") {
  Bench bench(10, 1);
  bench.ask(1);
  bench.gate.park(ParkReason::paused);
  bench.ask(2, CallKind::post);
  bench.ask(3, CallKind::read);
  bench.loop.pass(1s);
  CHECK(bench.came() == "1 3 ");
}

TEST_CASE("A Retry-After binds reads and posts, those that wait for the rate already among them") {
  Bench bench(1, 1);
  bench.ask(1);
  bench.ask(2);
  bench.gate.hold_until(bench.loop.now() + 30s);
  bench.ask(3, CallKind::read);
  CHECK(bench.gate.closed_for(CallKind::post));
  CHECK(bench.gate.closed_for(CallKind::read));
  bench.loop.pass(29s);
  CHECK(bench.came() == "1 ");
  // A shorter word does not shorten it.
  bench.gate.hold_until(bench.loop.now() + 100ms);
  bench.loop.pass(999ms);
  CHECK(bench.came() == "");
  bench.loop.pass(1ms);
  CHECK(bench.entered.size() == 2);
  bench.loop.pass(2s);
  CHECK(bench.entered.size() == 3);
  CHECK_FALSE(bench.gate.closed_for(CallKind::post));
}

TEST_CASE(
    "Posts stand still for every reason but the disk, reads only without a key of the right organisation") {
  struct Row {
    ParkReason reason;
    bool post;
    bool read;
    bool identity;
  };
  const Row rows[] = {
      {ParkReason::credentials, false, false, false}, {ParkReason::endpoint, false, true, true},
      {ParkReason::organisation, false, false, true}, {ParkReason::refused, false, true, true},
      {ParkReason::disk, true, true, true},           {ParkReason::paused, false, true, true}};
  for (const auto& row : rows) {
    CAPTURE(std::string(to_string(row.reason)));
    Bench bench;
    bench.gate.park(row.reason);
    CHECK(bench.gate.closed_for(CallKind::post) == !row.post);
    CHECK(bench.gate.closed_for(CallKind::read) == !row.read);
    bench.ask(1, CallKind::post);
    bench.ask(2, CallKind::read);
    bench.ask(3, CallKind::identity);
    CHECK(bench.came() ==
          std::string(row.post ? "1 " : "") + (row.read ? "2 " : "") + (row.identity ? "3 " : ""));
    bench.gate.clear(row.reason);
    bench.loop.poll();
    CHECK(bench.entered.size() == 3);
  }
}

TEST_CASE("While nobody knows whose key it is only that question passes") {
  Bench bench;
  bench.gate.hold_for_identity(true);
  CHECK(bench.gate.closed_for(CallKind::post));
  CHECK(bench.gate.closed_for(CallKind::read));
  CHECK_FALSE(bench.gate.parking().first().has_value());
  bench.ask(1, CallKind::post);
  bench.ask(2, CallKind::read);
  bench.ask(3, CallKind::identity);
  CHECK(bench.came() == "3 ");
  bench.gate.hold_for_identity(false);
  bench.loop.poll();
  CHECK(bench.came() == "1 2 ");
}

TEST_CASE("A refused key is found out about by the question whose it is, too") {
  Bench bench;
  bench.gate.hold_for_identity(true);
  bench.gate.park(ParkReason::credentials);
  bench.ask(1, CallKind::post);
  bench.ask(2, CallKind::identity);
  bench.loop.pass(3s);
  CHECK(bench.came() == "2! ");
}

TEST_CASE("What only an operator can end is not probed") {
  for (const auto reason : {ParkReason::organisation, ParkReason::refused, ParkReason::paused}) {
    Bench bench;
    bench.gate.park(reason);
    bench.gate.park(ParkReason::endpoint);
    bench.ask(1);
    bench.loop.pass(24h);
    CHECK(bench.came() == "");
    bench.gate.clear(ParkReason::endpoint);
    bench.loop.pass(1h);
    CHECK(bench.came() == "");
  }
}

TEST_CASE("One probe at a time goes at the pace, and all go on when it clears the reason") {
  Bench bench;
  bench.gate.park(ParkReason::credentials);
  bench.ask(1, CallKind::post);
  bench.ask(2, CallKind::post);
  bench.ask(3, CallKind::read);
  bench.loop.pass(1999ms);
  CHECK(bench.came() == "");
  bench.loop.pass(1h);
  REQUIRE(bench.entered.size() == 1);
  CHECK(bench.entered[0].admission.probes == ParkReason::credentials);
  bench.came();
  bench.gate.clear(ParkReason::credentials);
  bench.loop.poll();
  CHECK(bench.entered.size() == 3);
  CHECK_FALSE(bench.entered[1].admission.probes);
  CHECK_FALSE(bench.entered[2].admission.probes);
}

TEST_CASE("A failed probe lets the next go after twice the wait, one that ended without word as well") {
  for (const bool refused : {true, false}) {
    CAPTURE(refused);
    Bench bench;
    bench.gate.park(ParkReason::endpoint);
    for (int name = 1; name <= 4; ++name)
      bench.ask(name);
    std::vector<BootTime> times;
    for (const auto pace : {2s, 4s, 8s}) {
      const auto before = bench.entered.size();
      bench.loop.pass(pace - 1ms);
      REQUIRE(bench.entered.size() == before);
      bench.loop.pass(1ms);
      REQUIRE(bench.entered.size() == before + 1);
      REQUIRE(bench.entered.back().admission.probes == ParkReason::endpoint);
      if (refused)
        bench.gate.park(ParkReason::endpoint);
      else
        bench.gate.probe_ended();
      bench.loop.poll();
    }
  }
}

TEST_CASE("A new key or configuration lets a probe go at once") {
  Bench bench;
  bench.gate.park(ParkReason::credentials);
  for (int i = 0; i < 6; ++i) {
    bench.loop.pass(1h);
    bench.gate.park(ParkReason::credentials);
  }
  bench.ask(1);
  CHECK(bench.came() == "");
  bench.gate.probe_now();
  bench.loop.poll();
  CHECK(bench.came() == "1! ");
}

TEST_CASE("A probe obeys a Retry-After and the rate") {
  Bench bench;
  bench.gate.park(ParkReason::credentials);
  bench.gate.hold_until(bench.loop.now() + 10s);
  bench.ask(1);
  bench.loop.pass(9s);
  CHECK(bench.came() == "");
  bench.loop.pass(1s);
  CHECK(bench.came() == "1! ");
}

TEST_CASE("A reason that arises holds those that wait for the rate already") {
  Bench bench(1, 1);
  bench.ask(1);
  bench.ask(2);
  CHECK(bench.came() == "1 ");
  bench.gate.park(ParkReason::paused);
  bench.loop.pass(10s);
  CHECK(bench.came() == "");
  bench.gate.clear(ParkReason::paused);
  bench.loop.poll();
  CHECK(bench.came() == "2 ");
}

TEST_CASE("A new rate is felt by those that wait") {
  Bench bench(0.001, 1);
  bench.ask(1);
  bench.ask(2);
  bench.gate.configure(100, 1);
  bench.loop.pass(11ms);
  CHECK(bench.came() == "1 2 ");
}

TEST_CASE("What leaves keeps to the rate and to a Retry-After, however much was admitted before") {
  Bench bench(2, 3);
  std::vector<std::shared_ptr<test::Pending<bool>>> leaving;
  const auto left = [&leaving] {
    return std::count_if(leaving.begin(), leaving.end(),
                         [](const auto& each) { return each->value == true; });
  };
  for (int i = 0; i < 10; ++i)
    leaving.push_back(bench.loop.start(bench.gate.depart()));
  CHECK(left() == 3);
  bench.loop.pass(1001ms);
  CHECK(left() == 5);
  bench.gate.hold_until(bench.loop.now() + 10s);
  bench.loop.pass(9999ms);
  CHECK(left() == 5);
  bench.loop.pass(1ms);
  CHECK(left() == 8);
  bench.gate.configure(0.001, 1);
  bench.gate.close();
  bench.loop.poll();
  CHECK(left() == 8);
  CHECK(leaving.back()->value == false);
}

TEST_CASE("Closing sends home who waits and who comes later") {
  Bench bench(1, 1);
  bench.gate.park(ParkReason::paused);
  bench.ask(1);
  bench.ask(2);
  bench.gate.hold_until(bench.loop.now() + 1h);
  bench.ask(3, CallKind::read);
  bench.ask(4, CallKind::read);
  CHECK(bench.came() == "");
  bench.gate.close();
  bench.loop.poll();
  CHECK(bench.entered.size() == 4);
  bench.ask(5);
  CHECK(bench.entered.size() == 5);
  for (const auto& each : bench.entered)
    CHECK_FALSE(each.admission.open);
  CHECK(bench.gate.closed_for(CallKind::post));
}

TEST_CASE("Whoever watches is told when a reason arises or is cleared") {
  Bench bench;
  std::string seen;
  bench.gate.on_change([&] { seen += bench.gate.parking().first() ? "parked " : "free "; });
  bench.gate.park(ParkReason::refused);
  bench.gate.clear(ParkReason::refused);
  bench.gate.clear(ParkReason::refused);
  CHECK(seen == "parked free ");
}
