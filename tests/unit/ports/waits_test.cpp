#include "usherd/ports/waits.hpp"

#include "tests/fakes/manual_timers.hpp"
#include "usherd/ports/noted_timers.hpp"
#include "usherd/ports/task_group.hpp"

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <set>
#include <string>

using namespace std::chrono_literals;
using usherd::Alarm;
using usherd::BootTime;
using usherd::kNever;
using usherd::WaitFor;
using usherd::Waits;

namespace {

boost::asio::awaitable<void> wait(Alarm& alarm, BootTime due) {
  co_await alarm.wait_until(due);
}

}  // namespace

TEST_CASE("the first wait is the one with the earliest due time; a wait for ever has none") {
  Waits waits;
  CHECK_FALSE(waits.first());
  const Waits::Noted forever(waits, WaitFor::gate, kNever);
  CHECK_FALSE(waits.first());
  CHECK(waits.size() == 1);
  CHECK(waits.timed(WaitFor::gate) == 0);
  {
    const Waits::Noted late(waits, WaitFor::poll, BootTime{20s});
    const Waits::Noted early(waits, WaitFor::gate, BootTime{10s});
    REQUIRE(waits.first());
    CHECK(waits.first()->at == BootTime{10s});
    CHECK(waits.first()->what == WaitFor::gate);
    CHECK(waits.timed(WaitFor::gate) == 1);
    CHECK(waits.timed(WaitFor::poll) == 1);
  }
  CHECK(waits.size() == 1);
  CHECK(waits.timed(WaitFor::gate) == 0);
}

TEST_CASE("a wait is noted from its begin to its end, however it ends") {
  boost::asio::io_context loop;
  usherd::fakes::ManualTimers clock(loop.get_executor());
  Waits waits;
  usherd::NotedTimers timers(clock, waits);
  const auto due = timers.alarm(WaitFor::poll);
  const auto rung = timers.alarm(WaitFor::linger);
  const auto cancelled = timers.alarm(WaitFor::gate);
  usherd::TaskGroup tasks(loop.get_executor());
  usherd::TaskGroup other(loop.get_executor());
  tasks.spawn(wait(*due, clock.now().boot + 5s));
  tasks.spawn(wait(*rung, kNever));
  other.spawn(wait(*cancelled, clock.now().boot + 9s));
  loop.poll();
  CHECK(waits.size() == 3);
  CHECK(waits.first()->what == WaitFor::poll);
  rung->ring();
  clock.run_for(loop, 6s);
  CHECK(waits.size() == 1);
  CHECK(waits.first()->what == WaitFor::gate);
  other.cancel();
  clock.run_for(loop, 0s);
  CHECK(waits.size() == 0);
}

TEST_CASE("every wait has a name of its own") {
  std::set<std::string> names;
  for (std::size_t i = 0; i < usherd::kWaitsFor; ++i) {
    const std::string name(to_string(static_cast<WaitFor>(i)));
    CHECK_FALSE(name.empty());
    names.insert(name);
  }
  CHECK(names.size() == usherd::kWaitsFor);
}
