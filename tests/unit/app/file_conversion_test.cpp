#include "usherd/app/file_conversion.hpp"

#include "tests/fakes/inline_workers.hpp"
#include "tests/fakes/mem_files.hpp"
#include "tests/unit/ledger/scratch.hpp"
#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace usherd;

namespace {

const std::string kCsv = "uid,display_name\na,Ann\nb,Ben\n";

struct Bench {
  Bench() {
    disk.make_directory("/spool/working");
    disk.make_directory("/spool/state");
  }
  ~Bench() {
    conversion.stop();
    recorder.stop();
    loop.pass(std::chrono::minutes{2});
  }

  /// An accepted CSV file, as the ledger knows it.
  SpoolFile accept(FileNumber number, const std::string& text = kCsv) {
    auto file = test::sample_file(number);
    file.original = file.name = "f" + std::to_string(number) + ".csv";
    file.size = text.size();
    disk.put(layout.working_file(file), text);
    REQUIRE(ledger.commit([&](Ledger& open) { return open.insert_file(file); }));
    return file;
  }
  [[nodiscard]] FileState noted(FileNumber number) { return ledger->file(number).value().value().state; }
  [[nodiscard]] std::string records(const SpoolFile& file) {
    return disk.content(layout.records(file.number));
  }

  SpoolLayout layout{"/spool"};
  test::LedgerBench ledger;
  test::Loop loop;
  std::shared_ptr<Log> log = make_silent_log();
  fakes::MemFiles disk;
  fakes::InlineWorkers workers{loop.context};
  GroupCommit commit{*ledger.ledger, workers};
  RequestGate gate{loop.executor(), loop.timers, TokenBucket(1000, 1000), *log};
  Recorder recorder{commit, gate, loop.timers, *log};
  TaskGroup tasks{loop.executor()};
  FileConversion conversion{
      FileConversion::Parts{loop.executor(), tasks, recorder, disk, workers, layout, {}}};
};

using End = FileConversion::End;

}  // namespace

TEST_CASE("A file is converted ahead, and asked for when it is wanted") {
  Bench bench;
  auto file = bench.accept(1);
  bench.conversion.begin(file);
  bench.loop.poll();
  CHECK(bench.noted(1) == FileState::ready);
  CHECK(bench.records(file) == R"({"uid":"a","display_name":"Ann"})"
                               "\n"
                               R"({"uid":"b","display_name":"Ben"})"
                               "\n");
  CHECK(bench.loop.run(bench.conversion.finish(file)) == End::done);
  CHECK(file.state == FileState::ready);
  CHECK(file.converted);
  CHECK(file.read_size == bench.records(file).size());
}

TEST_CASE("What was not begun is converted when it is wanted, and what is ready stays as it is") {
  Bench bench;
  auto file = bench.accept(1);
  CHECK(bench.loop.run(bench.conversion.finish(file)) == End::done);
  CHECK(file.state == FileState::ready);
  const auto effects = bench.disk.effects();
  CHECK(bench.loop.run(bench.conversion.finish(file)) == End::done);
  bench.conversion.begin(file);
  bench.loop.poll();
  CHECK(bench.disk.effects() == effects);
}

TEST_CASE("One file is ahead at a time, and each is converted once") {
  Bench bench;
  auto first = bench.accept(1);
  auto second = bench.accept(2);
  bench.conversion.begin(first);
  bench.conversion.begin(second);
  bench.loop.poll();
  CHECK(bench.noted(1) == FileState::ready);
  CHECK(bench.noted(2) == FileState::accepted);
  SUBCASE("in order") {
    CHECK(bench.loop.run(bench.conversion.finish(first)) == End::done);
    bench.conversion.begin(second);
    CHECK(bench.loop.run(bench.conversion.finish(second)) == End::done);
  }
  SUBCASE("another one is wanted first") {
    CHECK(bench.loop.run(bench.conversion.finish(second)) == End::done);
    CHECK(bench.loop.run(bench.conversion.finish(first)) == End::done);
  }
  CHECK(first.state == FileState::ready);
  CHECK(second.state == FileState::ready);
}

TEST_CASE("A file that is wanted while its conversion is under way is waited for") {
  Bench bench;
  auto file = bench.accept(1);
  bench.conversion.begin(file);
  const auto wanted = bench.loop.start(bench.conversion.finish(file));
  REQUIRE(wanted->done());
  CHECK(*wanted->value == End::done);
  CHECK(file.state == FileState::ready);
}

TEST_CASE("A file that is refused ahead is refused when it is wanted") {
  Bench bench;
  auto file = bench.accept(1, "uid,uid\na,b\n");
  bench.conversion.begin(file);
  bench.loop.poll();
  CHECK(bench.noted(1) == FileState::refused);
  CHECK(bench.loop.run(bench.conversion.finish(file)) == End::done);
  CHECK(file.state == FileState::refused);
  CHECK(file.refusal_code == "bad_header");
}

TEST_CASE("A disk that was full ahead is tried again when the file is wanted") {
  Bench bench;
  auto file = bench.accept(1);
  bench.disk.fail_from(bench.disk.effects() + 1, Error{Errc::no_space, "full"});
  bench.conversion.begin(file);
  bench.loop.poll();
  CHECK(bench.noted(1) == FileState::accepted);
  const auto wanted = bench.loop.start(bench.conversion.finish(file));
  CHECK_FALSE(wanted->done());
  bench.disk.heal();
  bench.loop.pass(std::chrono::minutes{2});
  REQUIRE(wanted->done());
  CHECK(*wanted->value == End::done);
  CHECK(bench.noted(1) == FileState::ready);
}

TEST_CASE("A file that is not there is told when it is wanted") {
  Bench bench;
  auto file = bench.accept(1);
  REQUIRE(bench.disk.remove(bench.layout.working_file(file)));
  bench.conversion.begin(file);
  bench.loop.poll();
  CHECK(bench.loop.run(bench.conversion.finish(file)) == End::missing);
  CHECK_FALSE(bench.conversion.error().message.empty());
  CHECK(bench.noted(1) == FileState::accepted);
}

TEST_CASE("Where something else than a file stands in its place it is missing too") {
  for (const auto kind : {FileKind::symlink, FileKind::directory, FileKind::other}) {
    Bench bench;
    auto file = bench.accept(1);
    REQUIRE(bench.disk.remove(bench.layout.working_file(file)));
    bench.disk.make(bench.layout.working_file(file), kind);
    const auto wanted = bench.loop.start(bench.conversion.finish(file));
    REQUIRE(wanted->done());
    CHECK(*wanted->value == End::missing);
    CHECK(bench.conversion.error().code == Errc::invalid);
    CHECK(bench.noted(1) == FileState::accepted);
  }
}

TEST_CASE("A stop begins nothing") {
  Bench bench;
  auto file = bench.accept(1);
  bench.conversion.stop();
  bench.conversion.begin(file);
  bench.loop.poll();
  CHECK(bench.loop.run(bench.conversion.finish(file)) == End::stopping);
  CHECK(bench.noted(1) == FileState::accepted);
}
