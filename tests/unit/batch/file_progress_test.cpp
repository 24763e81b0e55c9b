#include "usherd/batch/file_progress.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace usherd;

namespace {

ReadMark mark(std::uint64_t offset, std::uint64_t line, std::uint64_t records) {
  ReadMark out;
  out.offset = offset;
  out.line = line;
  out.records = records;
  return out;
}

}  // namespace

TEST_CASE("A file begins where its mark stands") {
  SpoolFile file;
  file.mark = mark(100, 11, 10);
  FileProgress progress(file);
  CHECK(progress.read() == file.mark);
  CHECK(progress.mark() == file.mark);
  CHECK(progress.pending() == 0);
  CHECK_FALSE(progress.finished());
}

TEST_CASE(
    "The mark moves over a block when its last record is frozen, and over all that were frozen before it") {
  FileProgress progress{SpoolFile{}};
  progress.block_read(mark(100, 3, 2), 2);
  progress.block_read(mark(200, 5, 4), 2);
  progress.block_read(mark(300, 7, 6), 1);
  CHECK(progress.read() == mark(300, 7, 6));
  progress.frozen(250);
  progress.frozen(150);
  progress.frozen(0);
  progress.frozen(100);
  CHECK(progress.mark() == ReadMark{});
  progress.frozen(99);
  CHECK(progress.mark() == mark(300, 7, 6));
  CHECK(progress.pending() == 5);
}

TEST_CASE("A block without accepted records moves the mark once all before it is frozen") {
  FileProgress progress{SpoolFile{}};
  progress.block_read(mark(100, 2, 1), 0);
  CHECK(progress.mark() == mark(100, 2, 1));
  progress.block_read(mark(200, 3, 2), 1);
  progress.block_read(mark(300, 4, 3), 0);
  CHECK(progress.mark() == mark(100, 2, 1));
  progress.frozen(100);
  CHECK(progress.mark() == mark(300, 4, 3));
}

TEST_CASE("Records before the mark, or in a block that is frozen whole, change nothing") {
  SpoolFile file;
  file.mark = mark(100, 2, 1);
  FileProgress progress(file);
  progress.block_read(mark(200, 3, 2), 1);
  progress.block_read(mark(300, 4, 3), 1);
  progress.frozen(50);
  progress.frozen(250);
  progress.frozen(250);
  progress.frozen(400);
  CHECK(progress.mark() == mark(100, 2, 1));
  progress.frozen(100);
  CHECK(progress.mark() == mark(300, 4, 3));
}

TEST_CASE("A file is finished when it was read to its end and every record has its outcome") {
  FileProgress progress{SpoolFile{}};
  progress.block_read(mark(100, 3, 2), 2);
  progress.found_frozen(3);
  CHECK(progress.pending() == 5);
  progress.ended(5);
  CHECK_FALSE(progress.finished());
  progress.reached_end();
  CHECK(progress.finished());
}

TEST_CASE("Whatever the order of freezing, the mark stands before the first record that is not frozen") {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    FileProgress progress{SpoolFile{}};
    std::vector<std::uint64_t> open;
    std::vector<ReadMark> ends{ReadMark{}};
    std::uint64_t offset = 0;
    while (offset < 5000 || !open.empty()) {
      if (offset < 5000 && random() % 5 == 0) {
        const auto lines = random() % 20;
        std::uint64_t accepted = 0;
        for (std::uint64_t i = 0; i < lines; ++i) {
          if (random() % 4 != 0) {
            open.push_back(offset);
            ++accepted;
          }
          offset += 10;
        }
        ends.push_back(mark(offset, offset / 10 + 1, offset / 10));
        progress.block_read(ends.back(), accepted);
      } else if (!open.empty()) {
        const auto which = random() % std::min<std::size_t>(open.size(), 40);
        // Alone, or with those right behind it, over the ends of blocks.
        const auto most = 1 + random() % 30;
        std::vector<std::uint32_t> lengths{9};
        while (lengths.size() < most && which + lengths.size() < open.size() &&
               open[which + lengths.size()] == open[which] + 10 * lengths.size())
          lengths.push_back(9);
        progress.frozen(open[which], lengths);
        const auto from = open.begin() + static_cast<std::ptrdiff_t>(which);
        open.erase(from, from + static_cast<std::ptrdiff_t>(lengths.size()));
      }
      const auto first = open.empty() ? offset : open.front();
      ReadMark expected;
      for (const auto& end : ends) {
        if (end.offset <= first)
          expected = end;
      }
      REQUIRE(progress.mark() == expected);
    }
  }
}
