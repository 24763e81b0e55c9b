#include "tests/fakes/manual_timers.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace usherd;
using usherd::fakes::ManualTimers;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Waiter {
  std::string name;
  std::vector<std::string>& woken;
  std::unique_ptr<Alarm> alarm;
};

asio::awaitable<void> wait(Waiter& waiter, BootTime due) {
  const bool was_due = co_await waiter.alarm->wait_until(due);
  waiter.woken.push_back(waiter.name + (was_due ? " due" : " rung"));
}

asio::awaitable<void> tick(ManualTimers& timers, Alarm& alarm, int count, std::vector<BootTime>& times) {
  for (int i = 0; i < count; ++i) {
    co_await alarm.wait_until(timers.now().boot + 1s);
    times.push_back(timers.now().boot);
  }
}

void rethrow(std::exception_ptr thrown) {
  if (thrown) {
    std::rethrow_exception(thrown);
  }
}

}  // namespace

TEST_CASE("Alarms wake in the order of their due times, whatever the order they were set in") {
  asio::io_context loop;
  ManualTimers timers(loop.get_executor());
  std::vector<std::string> woken;
  const BootTime start = timers.now().boot;
  Waiter late{"late", woken, timers.alarm()};
  Waiter never{"never", woken, timers.alarm()};
  Waiter early{"early", woken, timers.alarm()};
  asio::co_spawn(loop, wait(late, start + 2s), rethrow);
  asio::co_spawn(loop, wait(never, kNever), rethrow);
  asio::co_spawn(loop, wait(early, start + 1s), rethrow);
  loop.poll();
  CHECK(timers.waiting() == 3);
  CHECK(timers.next_due() == start + 1s);

  SUBCASE("one after the other") {
    CHECK(timers.advance_to_next_due());
    loop.poll();
    CHECK(woken == std::vector<std::string>{"early due"});
    CHECK(timers.now().boot == start + 1s);
    timers.advance(999ms);
    loop.poll();
    CHECK(woken.size() == 1);
    CHECK(timers.advance_to_next_due());
    loop.poll();
    CHECK(woken.back() == "late due");
    CHECK_FALSE(timers.advance_to_next_due());
  }
  SUBCASE("and all at once") {
    timers.advance(1h);
    loop.poll();
    CHECK(woken == std::vector<std::string>{"early due", "late due"});
  }
  never.alarm->ring();
  loop.poll();
  CHECK(woken.back() == "never rung");
}

TEST_CASE("A ring is kept until the next wait") {
  asio::io_context loop;
  ManualTimers timers(loop.get_executor());
  std::vector<std::string> woken;
  Waiter waiter{"a", woken, timers.alarm()};
  waiter.alarm->ring();
  asio::co_spawn(loop, wait(waiter, kNever), rethrow);
  loop.poll();
  CHECK(woken == std::vector<std::string>{"a rung"});
}

TEST_CASE("Running for a span lets each wait see its own due time") {
  asio::io_context loop;
  ManualTimers timers(loop.get_executor());
  const BootTime start = timers.now().boot;
  const WallTime wall = timers.now().wall;
  const std::unique_ptr<Alarm> alarm = timers.alarm();
  std::vector<BootTime> times;
  asio::co_spawn(loop, tick(timers, *alarm, 100, times), rethrow);
  timers.run_for(loop, 3500ms);
  CHECK(times == std::vector<BootTime>{start + 1s, start + 2s, start + 3s});
  CHECK(timers.now().boot == start + 3500ms);
  CHECK(timers.now().wall == wall + 3500ms);
  CHECK(timers.run_until(loop, 1min, [&] { return times.size() == 10; }));
  CHECK(timers.now().boot == start + 10s);
  CHECK_FALSE(timers.run_until(loop, 1s, [] { return false; }));
  timers.jump_wall(-48h);
  CHECK(timers.now().wall < wall);
}

TEST_CASE("A cancelled wait throws and is no longer waited for") {
  asio::io_context loop;
  ManualTimers timers(loop.get_executor());
  std::vector<std::string> woken;
  Waiter waiter{"a", woken, timers.alarm()};
  asio::cancellation_signal signal;
  bool threw = false;
  auto keep = [&](std::exception_ptr thrown) { threw = thrown != nullptr; };
  asio::co_spawn(loop, wait(waiter, kNever), asio::bind_cancellation_slot(signal.slot(), keep));
  loop.poll();
  signal.emit(asio::cancellation_type::terminal);
  loop.restart();
  loop.poll();
  CHECK(threw);
  CHECK(timers.waiting() == 0);
}
