#include "src/app/held_wait.hpp"

#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace usherd::test {
namespace {

using namespace std::chrono_literals;

struct HeldWaitBench {
  Loop loop;
  LedgerBench ledger;
  boost::asio::io_context thread;
  GroupCommit commits{*ledger.ledger, Workers(thread.get_executor())};
  TaskGroup tasks{loop.executor()};
  std::shared_ptr<Log> log = make_silent_log();
  RequestGate gate{loop.executor(), loop.timers, TokenBucket(10, 10), *log};
  HeldWait held{commits, gate, tasks, loop.timers, "this boot"};

  void settle() {
    loop.poll();
    while (tasks.size() > 0) {
      thread.restart();
      thread.poll();
      loop.poll();
    }
  }
  /// How long a restart would wait, in a boot of that name.
  [[nodiscard]] BootClock::duration left(const std::string& boot_id) {
    RequestGate next(loop.executor(), loop.timers, TokenBucket(10, 10), *log);
    HeldWait again(commits, next, tasks, loop.timers, boot_id);
    REQUIRE(again.restore(*ledger.ledger));
    return std::max(next.held_until() - loop.now(), BootClock::duration::zero());
  }
};

TEST_CASE("a restart waits for what is left of a Retry-After, whatever the calendar says") {
  HeldWaitBench bench;
  CHECK(bench.left("this boot") == 0s);
  bench.gate.hold_until(bench.loop.now() + 90s);
  bench.settle();
  CHECK(bench.left("this boot") == 90s);
  bench.loop.pass(30s);
  bench.loop.timers.jump_wall(48h);
  CHECK(bench.left("this boot") == 60s);
  bench.loop.pass(61s);
  CHECK(bench.left("this boot") == 0s);
}

TEST_CASE("after a reboot the calendar tells, and nobody waits longer than the API said") {
  HeldWaitBench bench;
  bench.gate.hold_until(bench.loop.now() + 90s);
  bench.settle();
  bench.loop.pass(30s);
  CHECK(bench.left("next boot") == 60s);
  bench.loop.timers.jump_wall(-48h);
  CHECK(bench.left("next boot") == 90s);
  bench.loop.timers.jump_wall(96h);
  CHECK(bench.left("next boot") == 0s);
}

TEST_CASE("of several Retry-Afters the last one counts, and one that came while another was written down") {
  HeldWaitBench bench;
  bench.gate.hold_until(bench.loop.now() + 10s);
  bench.loop.poll();
  bench.gate.hold_until(bench.loop.now() + 40s);
  bench.gate.hold_until(bench.loop.now() + 20s);
  bench.settle();
  CHECK(bench.left("this boot") == 40s);
  bench.gate.hold_until(bench.loop.now() + 50s);
  bench.settle();
  CHECK(bench.left("this boot") == 50s);
}

TEST_CASE("an answer that comes while we are stopping holds the next start") {
  HeldWaitBench bench;
  bench.gate.close();
  bench.gate.hold_until(bench.loop.now() + 30s);
  bench.settle();
  CHECK(bench.left("this boot") == 30s);
}

TEST_CASE("a note that cannot be read holds nothing") {
  for (const std::string text :
       {"", "soon", "1 2", "1 2 x this boot", "99999999999999999999 1 1 this boot"}) {
    HeldWaitBench bench;
    REQUIRE(
        bench.ledger.ledger->transaction([&] { return bench.ledger.ledger->set_fact("retry_after", text); }));
    CAPTURE(text);
    CHECK(bench.left("this boot") == 0s);
  }
}

}  // namespace
}  // namespace usherd::test
