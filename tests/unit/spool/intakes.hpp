#pragma once

#include "usherd/spool/intake.hpp"

#include "tests/fakes/manual_timers.hpp"
#include "tests/fakes/manual_watch.hpp"
#include "tests/unit/spool/stopping_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"
#include "usherd/ports/task_group.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace usherd::test {

/// An intake on a real disk, with everything else in the test's hand. The workers and the ledger run on the
/// loop.
struct Intakes {
  TempSpool spool;
  StoppingFiles disk;
  fakes::ManualTimers timers{spool.loop.get_executor()};
  fakes::ManualWatch watch{spool.loop.get_executor()};
  Workers inline_workers{spool.loop.get_executor()};
  GroupCommit commits{*spool.ledger, inline_workers};
  std::shared_ptr<Log> log = make_silent_log();
  std::uint64_t free = std::uint64_t{1} << 40;
  int calls = 0;
  TaskGroup tasks{spool.loop.get_executor()};
  std::optional<Intake> intake;
  std::optional<Result<DrainReport>> drained;
  std::optional<Result<DrainReport>> left;

  explicit Intakes(std::size_t look_most = ScanOptions::kMostFiles,
                   std::size_t remember_most = SettleWatch::kMostWatched) {
    IntakeOptions options;
    options.look_most = look_most;
    options.remember_most = remember_most;
    options.free_bytes = [this]() -> Result<std::uint64_t> { return free; };
    intake.emplace(options, spool.layout, disk, &watch, timers, inline_workers, commits, *log,
                   [this] { ++calls; });
    // Files get the disk's own times: the clock starts where they are.
    timers.jump_wall(std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()) - timers.now().wall);
  }
  ~Intakes() {
    intake->stop();
    tasks.cancel();
    poll();
  }
  Intakes(const Intakes&) = delete;
  Intakes& operator=(const Intakes&) = delete;

  void start() {
    tasks.spawn(intake->run());
    poll();
  }
  void start_drain() {
    tasks.spawn(drain());
    poll();
  }
  boost::asio::awaitable<void> drain() { drained.emplace(co_await intake->take_present()); }
  boost::asio::awaitable<void> look_again() { left.emplace(co_await intake->left_behind()); }
  void poll() {
    spool.loop.restart();
    spool.loop.poll();
  }
  void pass(Milliseconds time) { timers.run_for(spool.loop, time); }
  std::string path(const std::string& name) { return spool.layout.incoming() + "/" + name; }
  std::vector<std::string> accepted() {
    std::vector<std::string> names;
    for (const auto& row : spool.rows())
      names.push_back(row.name);
    return names;
  }
};

}  // namespace usherd::test
