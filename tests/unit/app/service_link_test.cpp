#include "src/app/service_link.hpp"

#include "tests/fakes/manual_timers.hpp"
#include "tests/unit/ledger/scratch.hpp"
#include "usherd/core/log_event.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <vector>

namespace usherd::test {
namespace {

using namespace std::chrono_literals;

class Listener final : public ServiceManager {
 public:
  explicit Listener(std::optional<BootClock::duration> watchdog) : watchdog_(watchdog) {}
  void notify(const std::string& lines) override {
    std::istringstream text(lines);
    for (std::string line; std::getline(text, line);)
      heard.push_back(line);
  }
  [[nodiscard]] std::optional<BootClock::duration> watchdog() const override { return watchdog_; }
  /// How often it was said since the last call for anything.
  std::size_t count(const std::string& line) {
    return static_cast<std::size_t>(std::count(heard.begin(), heard.end(), line));
  }
  std::vector<std::string> heard;

 private:
  std::optional<BootClock::duration> watchdog_;
};

/// A link whose workers and whose ledger's thread answer when the test lets them.
struct LinkBench {
  explicit LinkBench(std::optional<BootClock::duration> watchdog) : listener(watchdog) {
    link.enter(ServicePhase::starting);
    tasks.spawn(link.run());
    turn();
  }
  ~LinkBench() {
    workers_answer = ledger_answers = true;
    tasks.cancel();
    turn();
  }
  void turn() {
    for (int i = 0; i < 4; ++i) {
      loop.restart();
      loop.poll();
      answer(pool, workers_answer);
      answer(ledger_thread, ledger_answers);
    }
  }
  void pass(BootClock::duration span) {
    for (BootClock::duration gone{}; gone < span; gone += 1s) {
      timers.advance(1s);
      turn();
    }
  }
  static void answer(boost::asio::io_context& thread, bool answers) {
    if (!answers)
      return;
    thread.restart();
    thread.poll();
  }

  LedgerBench ledger;
  boost::asio::io_context loop;
  boost::asio::io_context pool;
  boost::asio::io_context ledger_thread;
  fakes::ManualTimers timers{loop.get_executor()};
  Listener listener;
  std::ostringstream logged;
  Log log{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged)};
  GroupCommit commits{*ledger.ledger, Workers(ledger_thread.get_executor())};
  TaskGroup tasks{loop.get_executor()};
  VitalSigns signs;
  ServiceFacts facts;
  bool workers_answer = true;
  bool ledger_answers = true;
  ServiceLink link{ServiceLink::Parts{&listener, timers, tasks, commits, Workers(pool.get_executor()), log,
                                      [this] { return facts; }, [this] { return signs; }}};
};

}  // namespace

TEST_CASE("a daemon that lives says so four times a watchdog's time, and at least every five seconds") {
  LinkBench quick(8s);
  quick.link.enter(ServicePhase::delivering);
  quick.listener.heard.clear();
  quick.pass(40s);
  CHECK(quick.listener.count("WATCHDOG=1") == 20);
  LinkBench slow(120s);
  slow.link.enter(ServicePhase::delivering);
  slow.listener.heard.clear();
  slow.pass(50s);
  CHECK(slow.listener.count("WATCHDOG=1") == 10);
}

TEST_CASE("workers that hang silence the sign of life, and their answer brings it back") {
  LinkBench bench(8s);
  bench.link.enter(ServicePhase::delivering);
  bench.pass(4s);
  bench.workers_answer = false;
  bench.pass(40s);
  bench.listener.heard.clear();
  bench.pass(60s);
  CHECK(bench.listener.count("WATCHDOG=1") == 0);
  CHECK(bench.logged.str().find("no sign of life: the workers have not answered for 3") != std::string::npos);
  bench.workers_answer = true;
  bench.pass(4s);
  CHECK(bench.listener.count("WATCHDOG=1") > 0);
}

TEST_CASE("a ledger that hangs silences the sign of life") {
  LinkBench bench(8s);
  bench.link.enter(ServicePhase::delivering);
  bench.ledger_answers = false;
  bench.pass(40s);
  bench.listener.heard.clear();
  bench.pass(60s);
  CHECK(bench.listener.count("WATCHDOG=1") == 0);
}

TEST_CASE("a reload in the middle of a start or a stop calls neither ready") {
  LinkBench bench(std::nullopt);
  const auto reload = [&bench] {
    bench.link.reloading();
    bench.link.reloaded();
  };
  reload();
  CHECK(bench.listener.count("READY=1") == 0);
  CHECK(bench.listener.count("RELOADING=1") == 0);
  bench.link.enter(ServicePhase::delivering);
  reload();
  CHECK(bench.listener.count("READY=1") == 2);
  CHECK(bench.listener.count("RELOADING=1") == 1);
  bench.link.enter(ServicePhase::stopping);
  reload();
  CHECK(bench.listener.count("READY=1") == 2);
  CHECK(bench.listener.count("RELOADING=1") == 1);
}

TEST_CASE("a start and a stop that get on ask for time; one that hangs does not") {
  LinkBench bench(std::nullopt);
  bench.pass(10s);
  CHECK(bench.listener.count("EXTEND_TIMEOUT_USEC=40000000") >= 2);
  bench.link.enter(ServicePhase::delivering);
  CHECK(bench.listener.count("READY=1") == 1);
  bench.listener.heard.clear();
  bench.pass(20s);
  CHECK(bench.listener.count("EXTEND_TIMEOUT_USEC=40000000") == 0);
  bench.link.enter(ServicePhase::stopping);
  CHECK(bench.listener.count("STOPPING=1") == 1);
  bench.pass(10s);
  CHECK(bench.listener.count("EXTEND_TIMEOUT_USEC=40000000") == 2);
  bench.workers_answer = false;
  bench.pass(80s);
  bench.listener.heard.clear();
  bench.pass(60s);
  CHECK(bench.listener.heard.empty());
}

TEST_CASE("the status is told when it changes, and not again") {
  LinkBench bench(std::nullopt);
  bench.link.enter(ServicePhase::delivering);
  CHECK(bench.listener.heard.back() == "STATUS=delivering: nothing to do");
  bench.listener.heard.clear();
  bench.pass(30s);
  CHECK(bench.listener.heard.empty());
  bench.facts.files = 3;
  bench.pass(30s);
  CHECK(bench.listener.heard ==
        std::vector<std::string>{"STATUS=delivering 0 records/s; 0 batches in progress; 3 files waiting"});
}

TEST_CASE("a reload is told at its begin and its end") {
  LinkBench bench(std::nullopt);
  bench.link.enter(ServicePhase::delivering);
  bench.listener.heard.clear();
  bench.link.reloading();
  REQUIRE(bench.listener.heard.size() == 2);
  CHECK(bench.listener.heard[0] == "RELOADING=1");
  CHECK(bench.listener.heard[1].starts_with("MONOTONIC_USEC="));
  bench.link.reloaded();
  CHECK(bench.listener.heard.back() == "READY=1");
}

}  // namespace usherd::test
