#include "usherd/batch/open_files.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using namespace usherd;

namespace {

SpoolFile file(FileNumber number, std::uint64_t read_size = 1000) {
  SpoolFile out;
  out.number = number;
  out.name = "users.ndjson";
  out.working = SpoolLayout::working_name(number, out.name);
  out.read_size = read_size;
  return out;
}

}  // namespace

TEST_CASE("A file keeps its slot and its progress while it is open, also when it is opened again") {
  OpenFiles files(SpoolLayout("/spool"));
  const auto slot = files.open(file(7));
  CHECK(files.open(file(8)) != slot);
  files.at(slot).progress.found_frozen(3);
  auto ready = file(7);
  ready.state = FileState::ready;
  CHECK(files.open(ready) == slot);
  CHECK(files.at(slot).file.state == FileState::ready);
  CHECK(files.at(slot).progress.pending() == 3);
  CHECK(files.find(7) == &files.at(slot));
  CHECK(files.slot(7) == slot);
  CHECK(files.numbers()[slot] == 7);
  CHECK(files.size() == 2);
}

TEST_CASE("The slot of a closed file goes to another one, which starts anew") {
  OpenFiles files(SpoolLayout("/spool"));
  const auto slot = files.open(file(7));
  const auto other = files.open(file(8));
  files.at(slot).progress.found_frozen(3);
  files.close(7);
  files.close(7);
  files.close(99);
  CHECK(files.find(7) == nullptr);
  CHECK_FALSE(files.slot(7));
  CHECK(files.size() == 1);
  CHECK(files.open(file(9)) == slot);
  CHECK(files.at(slot).progress.pending() == 0);
  CHECK(files.numbers()[slot] == 9);
  CHECK(files.numbers()[other] == 8);
  CHECK(files.open(file(10)) == 2);
}

TEST_CASE("The paths of a manifest are those of its open files, sources of merged records among them") {
  OpenFiles files(SpoolLayout("/spool"));
  for (const FileNumber number : {1U, 2U, 3U, 4U})
    files.open(file(number));
  auto converted = file(3);
  converted.converted = true;
  files.open(converted);
  files.close(4);
  Manifest manifest;
  manifest.runs = {{1, 0, 10, 1, 1}, {1, 20, 10, 3, 1}, {4, 0, 10, 1, 1}};
  manifest.literals = {{0, 10, {{3, 0, 10, 1, 1}, {1, 40, 10, 5, 1}}}};
  const auto paths = files.paths(manifest, 77);
  CHECK(paths.files.find(1) == "/spool/working/000000000001.users.ndjson");
  CHECK(paths.files.find(3) == files.layout().records(3));
  CHECK_FALSE(paths.files.find(2));
  CHECK_FALSE(paths.files.find(4));
  CHECK(paths.merged == files.layout().merged(77));
}

TEST_CASE("Unread bytes are what is left of the files that are not read to their end") {
  OpenFiles files(SpoolLayout("/spool"));
  const auto first = files.open(file(1, 1000));
  const auto second = files.open(file(2, 500));
  CHECK(files.unread_bytes() == 1500);
  ReadMark mark;
  mark.offset = 300;
  files.at(first).progress.block_read(mark, 2);
  CHECK(files.unread_bytes() == 1200);
  mark.offset = 501;
  files.at(second).progress.block_read(mark, 0);
  CHECK(files.unread_bytes() == 700);
  files.at(first).progress.reached_end();
  CHECK(files.unread_bytes() == 0);
  files.close(1);
  CHECK(files.unread_bytes() == 0);
}

TEST_CASE("What a manifest freezes moves the marks of its files, a record at a time") {
  OpenFiles files(SpoolLayout("/spool"));
  // Lines of 9, 19 and 29 bytes and their newlines; each block holds one of them.
  for (const FileNumber number : {1U, 2U}) {
    auto& progress = files.at(files.open(file(number))).progress;
    for (const auto& [offset, line] : {std::pair{10U, 2U}, {30U, 3U}, {60U, 4U}})
      progress.block_read({offset, line, line - 1}, 1);
  }
  Manifest manifest;
  manifest.runs = {{1, 0, 29, 1, 2}, {2, 30, 29, 3, 1}};
  manifest.literals = {{0, 20, {{1, 30, 29, 3, 1}, {2, 0, 9, 1, 1}}}};
  const std::vector<std::uint32_t> lengths{9, 19, 29, 20};
  files.frozen(manifest, lengths);
  CHECK(files.find(1)->progress.mark().offset == 60);
  // The second line of the other file is still to come.
  CHECK(files.find(2)->progress.mark().offset == 10);
}

TEST_CASE("A source of a merged record that goes out again by itself counts once, alone or beside others") {
  // Lines of 9 bytes in one block: two that were merged, and two of another user that still waits.
  Manifest merged;
  merged.literals = {{0, 12, {{1, 0, 9, 1, 1}, {1, 10, 9, 2, 1}}}};
  Manifest singles;
  singles.runs = {{1, 0, 9, 1, 1}};
  Manifest beside;
  beside.runs = {{1, 10, 19, 2, 2}};
  const std::vector<std::uint32_t> one{9};
  const std::vector<std::uint32_t> two{9, 9};
  OpenFiles files(SpoolLayout("/spool"));
  auto& progress = files.at(files.open(file(1))).progress;
  progress.block_read({40, 5, 4}, 4);
  files.frozen(merged, std::vector<std::uint32_t>{12});
  files.frozen(singles, one, singles.runs);
  files.frozen(beside, two, std::vector<Run>{{1, 10, 9, 2, 1}});
  // The last line is still to come.
  CHECK(progress.mark().offset == 0);
  Manifest last;
  last.runs = {{1, 30, 9, 4, 1}};
  files.frozen(last, one);
  CHECK(progress.mark().offset == 40);
}
