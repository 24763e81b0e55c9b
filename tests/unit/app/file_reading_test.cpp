#include "usherd/app/file_reading.hpp"

#include "tests/fakes/inline_workers.hpp"
#include "tests/fakes/mem_files.hpp"
#include "tests/unit/ledger/scratch.hpp"
#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

using namespace usherd;

namespace {

const std::string kText = "{\"uid\":\"a\"}\nbad\n{\"uid\":\"b\"}\nworse\n";

struct Bench {
  Bench() {
    disk.make_directory("/spool/working");
    disk.put(layout.readable(file), kText);
  }
  ~Bench() {
    recorder.stop();
    loop.pass(std::chrono::minutes{2});
  }
  /// The lines from `at` to before `limit`.
  void read(ReadMark at, std::uint64_t limit) {
    REQUIRE(loop.run(reading.read({at, limit}, piece)) == FileReading::End::read);
  }
  [[nodiscard]] bool synced() const { return sync != nullptr && sync->value == true; }
  void begin_sync() { sync = loop.start(reading.sync()); }
  [[nodiscard]] std::string rejects() const { return disk.content(layout.local_rejects(1)); }

  SpoolLayout layout{"/spool"};
  SpoolFile file = test::sample_file(1);
  test::LedgerBench ledger;
  test::Loop loop;
  std::shared_ptr<Log> log = make_silent_log();
  fakes::MemFiles disk;
  fakes::InlineWorkers workers{loop.context};
  GroupCommit commit{*ledger.ledger, workers};
  RequestGate gate{loop.executor(), loop.timers, TokenBucket(1000, 1000), *log};
  Recorder recorder{commit, gate, loop.timers, *log};
  UserKeys keys{std::array<std::byte, UserKeys::kSecretBytes>{}};
  BlockReader reader{RecordRules{}, keys};
  FileReading reading{FileReading::Parts{recorder, disk, workers, layout, reader}, file};
  FileReading::Piece piece;
  std::shared_ptr<test::Pending<bool>> sync;
};

}  // namespace

TEST_CASE("Reject lines that a failed sync lost are written anew, not only synced again") {
  Bench bench;
  bench.read({}, 16);
  bench.begin_sync();
  REQUIRE(bench.synced());
  const auto before = bench.rejects();
  bench.read(bench.piece.after, kText.size());
  const auto whole = bench.rejects();
  REQUIRE(whole.size() > before.size());
  bench.disk.fail_at(bench.disk.effects() + 1, Error{Errc::io, "Input/output error"});
  bench.begin_sync();
  CHECK_FALSE(bench.synced());
  bench.loop.pass(std::chrono::minutes{1});
  CHECK(bench.synced());
  bench.disk.drop_unsynced();
  CHECK(bench.rejects() == whole);
}

TEST_CASE("Where they cannot be written as before, the file waits, and nobody else") {
  Bench bench;
  bench.read({}, kText.size());
  bench.disk.fail_at(bench.disk.effects() + 1, Error{Errc::io, "Input/output error"});
  bench.begin_sync();
  auto other = kText;
  other.replace(other.find("bad"), 3, "{} ");
  auto in_place = bench.disk.write(bench.layout.readable(bench.file), WriteMode::extend, 0);
  REQUIRE(in_place.has_value());
  REQUIRE((*in_place)->append(other).has_value());
  bench.loop.pass(std::chrono::minutes{10});
  CHECK_FALSE(bench.synced());
  CHECK_FALSE(bench.gate.parking().first().has_value());
}
