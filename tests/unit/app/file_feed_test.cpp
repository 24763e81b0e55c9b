#include "usherd/app/file_feed.hpp"

#include "tests/fakes/inline_workers.hpp"
#include "tests/fakes/mem_files.hpp"
#include "tests/unit/submit/loop.hpp"
#include "usherd/ports/task_group.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

using namespace usherd;

namespace {

constexpr std::uint64_t kLine = 13;  // {"uid":"u0"} and its newline

Run line(std::uint64_t number) {
  return {1, (number - 1) * kLine, kLine - 1, number, 1};
}

/// A file of four records; batch 1 holds a merged record of lines 2 and 3 and has a job, as a restart finds
/// it.
struct Bench {
  explicit Bench(std::size_t most = 100) : most_open(most) {
    disk.make_directory("/spool/working");
    auto file = test::sample_file(1);
    std::string text;
    for (int i = 0; i < 4; ++i)
      text += "{\"uid\":\"u" + std::to_string(i) + "\"}\n";
    disk.put("/spool/working/" + file.working, text);
    auto row = test::sample_batch(1);
    row.manifest.runs.clear();
    row.manifest.literals = {{0, 20, {line(2), line(3)}}};
    row.users = {7};
    row.seconds.clear();
    const auto share = test::share_of(1, 2, line(3).offset + kLine);
    REQUIRE(ledger.commit([&](Ledger& open) -> Result<void> {
      if (auto added = open.insert_file(file); !added)
        return added;
      if (auto ready = open.file_ready(1, false, text.size()); !ready)
        return ready;
      return open.insert_batch(row, {&share, 1});
    }));
    files.open(ledger->file(1).value().value());
  }
  ~Bench() {
    feed.stop();
    recorder.stop();
    loop.pass(std::chrono::minutes{1});
  }

  /// Accepts a file of one record.
  void accept(FileNumber number) {
    auto file = test::sample_file(number);
    const std::string text = "{\"uid\":\"v" + std::to_string(number) + "\"}\n";
    disk.put("/spool/working/" + file.working, text);
    REQUIRE(ledger.commit([&](Ledger& open) -> Result<void> {
      if (auto added = open.insert_file(file); !added)
        return added;
      return open.file_ready(number, false, text.size());
    }));
  }
  /// Its job refuses the merged record: the sources must go by themselves.
  void take_apart() {
    auto share = test::share_of(1, 0, line(3).offset + kLine);
    Manifest without;
    const std::vector<Run> sources{line(2), line(3)};
    REQUIRE(ledger.commit([&](Ledger& open) {
      return open.batch_ended(1, {&share, 1}, test::wall(9), &without, sources);
    }));
  }
  /// Line 2 goes out.
  void freeze_single() {
    auto row = test::sample_batch(2);
    row.manifest.runs = {line(2)};
    const auto share = test::share_of(1, 1, line(2).offset + kLine);
    REQUIRE(ledger.commit([&](Ledger& open) -> Result<void> {
      if (auto gone = open.single_frozen(1, line(2).offset); !gone)
        return gone;
      return open.insert_batch(row, {&share, 1});
    }));
  }
  void recover() { REQUIRE(loop.run(feed.recover())); }
  void read_on() {
    tasks.spawn(feed.run());
    loop.poll();
  }
  [[nodiscard]] const FileProgress& progress() { return files.find(1)->progress; }
  /// Records that the batcher was handed, by line.
  [[nodiscard]] std::string handed() {
    batcher.set_flushing(true);
    std::string lines;
    while (batcher.is_due()) {
      const auto batch = batcher.take();
      for (const auto& item : batch->packed().all())
        lines += std::to_string(item.record.line) + " ";
    }
    return lines;
  }

  std::size_t most_open;
  test::LedgerBench ledger;
  test::Loop loop;
  std::shared_ptr<Log> log = make_silent_log();
  fakes::MemFiles disk;
  fakes::InlineWorkers workers{loop.context};
  OpenFiles files{SpoolLayout("/spool")};
  GroupCommit commit{*ledger.ledger, workers};
  RequestGate gate{loop.executor(), loop.timers, TokenBucket(1000, 1000), *log};
  Recorder recorder{commit, gate, loop.timers, *log};
  Batcher batcher{loop.executor(), loop.timers, BatchLimits{}, 1000};
  UserKeys keys{std::array<std::byte, UserKeys::kSecretBytes>{}};
  TaskGroup tasks{loop.executor()};
  Tally tally{loop.now()};
  FileFeed feed{FileFeed::Parts{loop.executor(),
                                tasks,
                                commit,
                                recorder,
                                files,
                                batcher,
                                disk,
                                workers,
                                *log,
                                {},
                                {},
                                keys,
                                loop.timers,
                                tally,
                                8,
                                [](FileNumber) {},
                                most_open}};
};

}  // namespace

TEST_CASE("A restart reads what stands between the records that a batch holds") {
  Bench bench;
  bench.recover();
  bench.read_on();
  CHECK(bench.handed() == "1 4 ");
  CHECK(bench.progress().read().records == 4);
}

TEST_CASE("A merged record that is taken apart before its file is read again is not read a second time") {
  Bench bench;
  bench.recover();
  bench.take_apart();
  bench.read_on();
  // Lines 2 and 3 are put back by whoever took them apart.
  CHECK(bench.handed() == "1 4 ");
  CHECK(bench.progress().read().records == 4);
}

TEST_CASE("A single record that goes out before its file is read again is counted once") {
  Bench bench;
  bench.take_apart();
  bench.recover();
  bench.freeze_single();
  bench.read_on();
  CHECK(bench.handed() == "2 3 1 4 ");
  CHECK(bench.progress().read().records == 4);
  CHECK(bench.progress().at_end());
}

TEST_CASE("What was rejected by old rules is durable before new ones hold") {
  Bench bench;
  const auto working = "/spool/working/" + test::sample_file(1).working;
  auto text = bench.disk.content(working);
  text.replace(0, kLine, "{          }\n");
  bench.disk.put(working, text);
  bench.recover();
  bench.tasks.spawn(bench.feed.run());
  const auto path = bench.files.layout().local_rejects(1);
  bench.loop.context.restart();
  while (bench.disk.content(path).empty())
    REQUIRE(bench.loop.context.run_one() == 1);
  bench.feed.set_rules(RecordRules{.accept_anonymous = true});
  bench.disk.fail_at(bench.disk.effects() + 1, Error{Errc::io, "Input/output error"});
  const auto rejected = bench.disk.content(path);
  bench.loop.poll();
  bench.loop.pass(std::chrono::minutes{1});
  CHECK(bench.progress().at_end());
  CHECK(bench.handed() == "4 ");
  bench.disk.drop_unsynced();
  CHECK(bench.disk.content(path) == rejected);
}

TEST_CASE("With as many open files as there may be, the next one is read when one is settled") {
  Bench bench(3);
  for (const FileNumber number : {2, 3, 4, 5})
    bench.accept(number);
  bench.recover();
  bench.read_on();
  CHECK(bench.files.size() == 3);
  CHECK(bench.files.find(4) == nullptr);
  CHECK(bench.feed.begun() == 3);
  CHECK_FALSE(bench.feed.is_idle());
  bench.files.close(2);
  bench.loop.poll();
  CHECK(bench.files.size() == 3);
  CHECK(bench.files.find(4) != nullptr);
  bench.files.close(1);
  bench.files.close(3);
  bench.loop.poll();
  CHECK(bench.feed.begun() == 5);
  CHECK(bench.feed.is_idle());
}

TEST_CASE("A file that is open already is read on, however many there are") {
  Bench bench(1);
  bench.accept(2);
  bench.recover();
  bench.read_on();
  CHECK(bench.handed() == "1 4 ");
  CHECK(bench.feed.begun() == 1);
}

TEST_CASE("One that cannot be read takes no place from the others") {
  Bench bench(2);
  for (const FileNumber number : {2, 3, 4})
    bench.accept(number);
  REQUIRE(bench.disk.remove("/spool/working/" + test::sample_file(2).working));
  bench.recover();
  bench.read_on();
  CHECK(bench.feed.unreadable() == 1);
  CHECK(bench.feed.begun() == 3);
  CHECK(bench.files.find(4) == nullptr);
}

TEST_CASE("While a file waits for its turn the next one is made ready") {
  Bench bench(2);
  bench.disk.make_directory("/spool/state");
  for (const FileNumber number : {2, 3, 4}) {
    auto file = test::sample_file(number);
    file.original = file.name = "f" + std::to_string(number) + ".csv";
    const std::string text = "uid\nw" + std::to_string(number) + "\n";
    file.size = text.size();
    bench.disk.put("/spool/working/" + file.working, text);
    REQUIRE(bench.ledger.commit([&](Ledger& open) { return open.insert_file(file); }));
  }
  bench.recover();
  bench.read_on();
  // Two are open: the third waits for a place, converted; the fourth has not been begun.
  CHECK(bench.ledger->file(2).value().value().state == FileState::ready);
  CHECK(bench.ledger->file(3).value().value().state == FileState::ready);
  CHECK(bench.ledger->file(4).value().value().state == FileState::accepted);
  CHECK(bench.feed.begun() == 2);
}
