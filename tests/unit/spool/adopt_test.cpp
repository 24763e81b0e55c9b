#include "usherd/spool/claim.hpp"

#include "tests/fakes/manual_timers.hpp"
#include "tests/unit/spool/stopping_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <unistd.h>

#include <map>

using namespace usherd;
using namespace usherd::test;

namespace {

struct Crashes {
  TempSpool spool;
  StoppingFiles disk;
  fakes::ManualTimers timers{spool.loop.get_executor()};
  BatchId last_batch = 0;  ///< of earlier runs

  Crashes() { REQUIRE(match_spool(spool.files, spool.layout, *spool.ledger).has_value()); }

  /// A process that lives for so many effects and takes what is there.
  ClaimReport live(long effects) {
    disk.effects_left = effects;
    spool.restart();
    // No crash makes a state look like a copy from before.
    REQUIRE(match_spool(spool.files, spool.layout, *spool.ledger).has_value());
    Claimer claimer(spool.layout, disk, timers, spool.workers, *spool.commits, last_batch);
    auto report = spool.run(claimer.finish());
    if (report.stopped)
      return report;
    std::vector<SeenFile> group;
    for (const auto& name : names_in(spool.layout.incoming()))
      group.push_back(spool.seen(name));
    auto taken = spool.run(claimer.take(std::move(group)));
    taken.files += report.files;
    taken.bytes += report.bytes;
    return taken;
  }
};

constexpr long kForEver = 1'000'000;

}  // namespace

TEST_CASE("a crash at any effect of a claim loses no file and takes none twice") {
  for (long effects = 0;; ++effects) {
    CAPTURE(effects);
    Crashes crashes;
    const std::string odd = "odd\x01.ndjson";
    std::set<std::string> contents;
    for (int file = 0; file < 5; ++file) {
      contents.insert(fmt::format("file {}", file));
      crashes.spool.drop(fmt::format("{}.ndjson", file), fmt::format("file {}", file));
    }
    crashes.spool.drop(odd, "odd");
    contents.insert("odd");
    const auto first = crashes.live(effects);
    const bool survived = !first.stopped && crashes.disk.effects_left > 0;
    const auto second = crashes.live(kForEver);
    REQUIRE_FALSE(second.stopped);
    CHECK(names_in(crashes.spool.layout.incoming()).empty());
    std::set<std::string> accepted;
    std::set<std::string> originals;
    FileNumber last = 0;
    for (const auto& row : crashes.spool.rows()) {
      CHECK(row.number > last);
      last = row.number;
      CHECK(accepted.insert(read_file(crashes.spool.layout.working_file(row))).second);
      CHECK(originals.insert(row.original).second);
      CHECK(row.state == FileState::ready);
    }
    CHECK(accepted == contents);
    CHECK(originals.contains(odd));
    if (survived)
      break;
    REQUIRE(effects < 200);
  }
}

TEST_CASE("a full disk in the middle stops the group, and the same process finishes it later") {
  Crashes crashes;
  crashes.disk.failure = Errc::no_space;
  Claimer claimer(crashes.spool.layout, crashes.disk, crashes.timers, crashes.spool.workers,
                  *crashes.spool.commits, 0);
  REQUIRE(crashes.spool.run(claimer.adopt()).has_value());
  crashes.spool.drop("a.ndjson", "a");
  crashes.spool.drop("b.ndjson", "b");
  // Two syncs and one rename still work.
  crashes.disk.effects_left = 3;
  const auto stopped =
      crashes.spool.run(claimer.take({crashes.spool.seen("a.ndjson"), crashes.spool.seen("b.ndjson")}));
  REQUIRE(stopped.stopped);
  CHECK(stopped.stopped->code == Errc::no_space);
  CHECK(crashes.spool.rows().empty());
  CHECK(claimer.is_unfinished());
  crashes.disk.effects_left = kForEver;
  const auto finished = crashes.spool.run(claimer.finish());
  CHECK_FALSE(finished.stopped);
  CHECK(crashes.spool.rows().size() + names_in(crashes.spool.layout.incoming()).size() == 2);
  CHECK_FALSE(claimer.is_unfinished());
}

TEST_CASE("a file whose rename worked and was said to have failed is taken by the same process") {
  Crashes crashes;
  Claimer claimer(crashes.spool.layout, crashes.disk, crashes.timers, crashes.spool.workers,
                  *crashes.spool.commits, 0);
  REQUIRE(crashes.spool.run(claimer.adopt()).has_value());
  for (const auto* name : {"a.ndjson", "b.ndjson", "c.ndjson"})
    crashes.spool.drop(name, name);
  crashes.disk.untrue_renames = {{2, Error{Errc::io, "the disk went away"}}};
  const auto stopped = crashes.spool.run(claimer.take(
      {crashes.spool.seen("a.ndjson"), crashes.spool.seen("b.ndjson"), crashes.spool.seen("c.ndjson")}));
  REQUIRE(stopped.stopped);
  REQUIRE_FALSE(crashes.spool.run(claimer.finish()).stopped);
  REQUIRE_FALSE(crashes.spool.run(claimer.take({crashes.spool.seen("c.ndjson")})).stopped);
  std::vector<std::string> taken;
  for (const auto& row : crashes.spool.rows())
    taken.push_back(row.original);
  CHECK(taken == std::vector<std::string>{"a.ndjson", "b.ndjson", "c.ndjson"});
}

TEST_CASE("files in working/ without a row are adopted in the order of their numbers") {
  Crashes crashes;
  const auto& working = crashes.spool.layout.working();
  write_file(working + "/000000000012.b.json", "[]");
  write_file(working + "/000000000009.a.ndjson", "{}\n");
  write_file(working + "/000000000010.c.txt", "?");
  const auto report = crashes.live(kForEver);
  CHECK_FALSE(report.stopped);
  CHECK(report.files == 3);
  CHECK(report.bytes == 6);
  const auto rows = crashes.spool.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].number == 9);
  CHECK(rows[0].state == FileState::ready);
  CHECK(rows[0].read_size == 3);
  CHECK(rows[1].state == FileState::refused);
  CHECK(rows[2].state == FileState::accepted);
  crashes.spool.drop("d.ndjson", "");
  crashes.live(kForEver);
  CHECK(crashes.spool.rows().back().number == 13);
}

TEST_CASE("more orphans than a group holds are all adopted") {
  Crashes crashes;
  for (int file = 1; file <= 1100; ++file)
    write_file(fmt::format("{}/{:012}.a{}.ndjson", crashes.spool.layout.working(), file, file), "{}\n");
  CHECK(crashes.live(kForEver).files == 1100);
  CHECK(crashes.spool.rows().size() == 1100);
}

TEST_CASE("a link that slipped into working/ goes back to incoming/") {
  Crashes crashes;
  const auto path = crashes.spool.layout.working() + "/000000000001.a.ndjson";
  REQUIRE(::symlink("/etc/hostname", path.c_str()) == 0);
  crashes.live(kForEver);
  CHECK(crashes.spool.rows().empty());
  CHECK(names_in(crashes.spool.layout.incoming()) == std::set<std::string>{"a.ndjson"});
}

/// A batch that was, and is no more.
void retire_batch(Ledger& ledger, BatchId id, FileNumber file) {
  BatchRow batch;
  batch.id = id;
  batch.key = "key";
  batch.manifest.runs.push_back(Run{file, 0, 2, 1, 1});
  batch.users = {1};
  Share share;
  share.batch = id;
  share.file = file;
  share.end_offset = 2;
  share.records = 1;
  const auto change = [&]() -> Result<void> {
    if (auto inserted = ledger.insert_batch(batch, std::span(&share, 1)); !inserted)
      return inserted;
    return ledger.batch_retired(id);
  };
  REQUIRE(ledger.transaction(change).has_value());
}

TEST_CASE("leftovers of conversions and batches are removed, what is still needed stays") {
  Crashes crashes;
  crashes.spool.drop("a.json", "[]");
  crashes.live(kForEver);
  const auto& layout = crashes.spool.layout;
  const auto row = crashes.spool.rows().back();
  retire_batch(*crashes.spool.ledger, 5, row.number);
  // Those of batches 4 and 6 stand before their rows: they are being frozen, and batch 5 was faster.
  crashes.last_batch = 3;
  const std::set<std::string> needed{
      layout.records(row.number),          layout.origins(row.number), layout.local_rejects(row.number),
      layout.batch_rejects(row.number, 3), layout.merged(4),           layout.merged(6)};
  for (const auto& path : needed)
    write_file(path, "x");
  for (const auto& path :
       {layout.records(77), layout.origins(77), layout.batch_rejects(77, 1), layout.merged(3)})
    write_file(path, "x");
  write_file(layout.working() + "/foreign", "x");
  CHECK_FALSE(crashes.live(kForEver).stopped);
  auto left = names_in(layout.working());
  CHECK(left.erase("foreign") == 1);
  CHECK(left.erase(row.working) == 1);
  CHECK(left.size() == needed.size());
  for (const auto& path : needed)
    CHECK(std::filesystem::exists(path));
}
