#include "src/app/ledger_pulse.hpp"

#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

namespace usherd::test {
namespace {

using namespace std::chrono_literals;

SpoolFile file(FileNumber number, WallTime accepted, std::uint64_t size) {
  SpoolFile file;
  file.number = number;
  file.name = "f" + std::to_string(number);
  file.original = file.name;
  file.working = file.name;
  file.accepted = accepted;
  file.size = size;
  return file;
}

/// A ledger whose thread works when the test lets it.
struct PulseBench {
  Loop loop;
  LedgerBench ledger;
  boost::asio::io_context thread;
  GroupCommit commits{*ledger.ledger, Workers(thread.get_executor())};
  TaskGroup tasks{loop.executor()};
  FileNumber begun = 0;
  LedgerPulse pulse{commits, loop.timers, tasks, [this] { return begun; }};

  void let_it_answer() {
    thread.restart();
    thread.poll();
    loop.poll();
  }
  void add(FileNumber number, BootClock::duration age, std::uint64_t size) {
    const auto accepted = loop.timers.now().wall - std::chrono::duration_cast<Milliseconds>(age);
    const auto done = ledger.commit([&](Ledger& to) { return to.insert_file(file(number, accepted, size)); });
    REQUIRE(done);
  }
};

TEST_CASE("a ledger that does not answer is waited for no longer than told, and asked once") {
  PulseBench bench;
  const auto first = bench.loop.start(bench.pulse.refresh(1500ms));
  const auto second = bench.loop.start(bench.pulse.refresh(1500ms));
  bench.loop.pass(1s);
  CHECK_FALSE(first->done());
  bench.loop.pass(1s);
  REQUIRE(first->done());
  CHECK_FALSE(*first->value);
  CHECK_FALSE(*second->value);
  CHECK(bench.tasks.size() == 1);
  bench.let_it_answer();
  CHECK(bench.loop.run(bench.pulse.refresh(1500ms)));
  CHECK(bench.tasks.size() == 0);
}

TEST_CASE("all who wait have the one answer, and a young one is not asked for again") {
  PulseBench bench;
  const auto first = bench.loop.start(bench.pulse.refresh(1500ms));
  const auto second = bench.loop.start(bench.pulse.refresh(1500ms));
  bench.let_it_answer();
  CHECK(*first->value);
  CHECK(*second->value);
  CHECK(bench.loop.run(bench.pulse.refresh(1500ms)));
  CHECK(bench.tasks.size() == 0);
  bench.loop.pass(2s);
  const auto later = bench.loop.start(bench.pulse.refresh(1500ms));
  CHECK_FALSE(later->done());
  bench.let_it_answer();
  CHECK(*later->value);
}

TEST_CASE("the view holds the files that the reader has not reached, by their age") {
  PulseBench bench;
  bench.add(1, 2h, 100);
  bench.add(2, 1h, 10);
  bench.add(3, 1min, 7);
  bench.begun = 1;
  const auto asked = bench.loop.start(bench.pulse.refresh(1500ms));
  bench.let_it_answer();
  REQUIRE(*asked->value);
  const auto& view = bench.pulse.view();
  CHECK(view.unread.total().files == 2);
  CHECK(view.unread.total().bytes == 17);
  CHECK(view.unread.columns()[0].files == 1);
  CHECK(view.unread.columns()[4].bytes == 10);
  CHECK(view.oldest == bench.loop.timers.now().wall - 1h);
  CHECK(view.bytes > 0);
  CHECK_FALSE(view.counts(1));
  CHECK(view.counts(2));
  CHECK(view.counts(3));
  CHECK_FALSE(view.counts(4));
}

}  // namespace
}  // namespace usherd::test
