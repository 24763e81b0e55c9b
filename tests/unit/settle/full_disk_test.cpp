#include "tests/fakes/mem_files.hpp"
#include "usherd/settle/batch_end.hpp"
#include "usherd/settle/local_rejects.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace usherd;

namespace {

const Error kFull{Errc::no_space, "No space left on device"};
constexpr std::string_view kText = "{\"uid\":\"a\"}\n{\"uid\":5}\nnonsense\n";

SpoolFile sample() {
  SpoolFile file;
  file.number = 1;
  file.name = file.original = "a.ndjson";
  file.working = "000000000001.a.ndjson";
  file.state = FileState::ready;
  file.size = file.read_size = kText.size();
  return file;
}

/// A spool in memory with one file of three lines.
struct Spool {
  SpoolLayout layout{"/spool"};
  fakes::MemFiles disk;
  SpoolFile file = sample();

  Spool() {
    for (const auto& folder : {layout.root(), layout.working()})
      disk.make_directory(folder);
    disk.put(layout.working_file(file), kText);
  }
  void fail_at(std::uint64_t effect) { disk.fail_at(disk.effects() + effect, kFull); }
};

BatchRow sample_row() {
  BatchRow row;
  row.id = 4;
  row.manifest.runs = {{1, 0, 11, 1, 1}, {1, 12, 9, 2, 1}, {1, 22, 8, 3, 1}};
  row.users = {1, 2, 3};
  return row;
}

Result<BatchEnd> end(Spool& spool) {
  const auto row = sample_row();
  Share share;
  share.batch = row.id;
  share.file = 1;
  share.records = 3;
  share.end_offset = 30;
  const auto verdict = BatchVerdict::all(3, OperationEnd::unknown, "no_verdict", "nobody knows");
  BodyPaths paths;
  paths.files.put(1, spool.layout.working_file(spool.file));
  return write_batch_end(spool.disk, spool.layout, row, {share}, verdict, paths, {{1, spool.file}});
}

}  // namespace

TEST_CASE("a disk that is full at any write of a batch's end delays it, and a repeat has each line once") {
  std::string expected;
  std::uint64_t refused = 0;
  bool went_through = false;
  for (std::uint64_t effect = 1; !went_through; ++effect) {
    CAPTURE(effect);
    REQUIRE(effect < 100);
    Spool spool;
    spool.fail_at(effect);
    const auto first = end(spool);
    went_through = first.has_value();
    refused += first ? 0 : 1;
    if (!first)
      CHECK(first.error().code == Errc::no_space);
    spool.disk.heal();
    const auto second = end(spool);
    REQUIRE(second.has_value());
    CHECK(second->shares.at(0).outcomes.unknown == 3);
    CHECK(second->shares.at(0).has_rejects);
    const auto lines = spool.disk.content(spool.layout.batch_rejects(1, 4));
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 3);
    if (expected.empty())
      expected = lines;
    CHECK(lines == expected);
  }
  CHECK(refused >= 4);
}

TEST_CASE(
    "a disk that does not give a record at a batch's end delays it, and no line goes without its record") {
  Spool whole;
  REQUIRE(end(whole).has_value());
  const auto expected = whole.disk.content(whole.layout.batch_rejects(1, 4));
  bool went_through = false;
  std::uint64_t delayed = 0;
  for (std::uint64_t open = 1; !went_through; ++open) {
    CAPTURE(open);
    REQUIRE(open < 100);
    Spool spool;
    spool.disk.fail_open(open, Error{Errc::io, "Input/output error"});
    const auto first = end(spool);
    went_through = first.has_value();
    delayed += first ? 0 : 1;
    if (!first) {
      CHECK(first.error().code == Errc::io);
      REQUIRE(end(spool).has_value());
    }
    CHECK(spool.disk.content(spool.layout.batch_rejects(1, 4)) == expected);
  }
  CHECK(delayed > 0);
}

TEST_CASE(
    "a disk that is full at any write of local rejects delays them, and each stands there once, in order") {
  std::vector<Rejection> first{{12, 2, 9, "wrong_type", "uid is no string"}};
  std::vector<Rejection> second{{22, 3, 8, "invalid_json", "not JSON"}};
  std::string expected;
  std::uint64_t refused = 0;
  bool went_through = false;
  for (std::uint64_t effect = 1; !went_through; ++effect) {
    CAPTURE(effect);
    REQUIRE(effect < 100);
    Spool spool;
    const auto source = spool.disk.open(spool.layout.working_file(spool.file));
    REQUIRE(source.has_value());
    LocalRejects rejects(spool.disk, spool.layout, spool.file, 0);
    spool.fail_at(effect);
    std::uint64_t failures = 0;
    const auto insist = [&](const auto& act) {
      while (!act())
        ++failures;
    };
    insist([&] { return rejects.append(**source, first).has_value(); });
    insist([&] { return rejects.append(**source, second).has_value(); });
    insist([&] {
      if (rejects.sync())
        return true;
      rejects.forget_unsynced();
      CHECK(rejects.append(**source, first).has_value());
      CHECK(rejects.append(**source, second).has_value());
      return false;
    });
    CHECK(failures <= 1);
    went_through = failures == 0;
    refused += failures;
    const auto lines = spool.disk.content(spool.layout.local_rejects(1));
    CHECK(lines.size() == rejects.length());
    if (expected.empty())
      expected = lines;
    CHECK(lines == expected);
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
    spool.disk.drop_unsynced();
    CHECK(spool.disk.content(spool.layout.local_rejects(1)) == expected);
  }
  CHECK(refused >= 4);
}
