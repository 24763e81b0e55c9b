#include "usherd/batch/coverage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace usherd;

namespace {

/// Lines of ten bytes with their newline, numbered from 1: `records` of them from line `line` on.
Run lines(std::uint64_t line, std::uint32_t records, FileNumber file = 1) {
  return {file, (line - 1) * 10, records * 10ULL - 1, line, records};
}

ReadMark mark_before(std::uint64_t line) {
  ReadMark mark;
  mark.offset = (line - 1) * 10;
  mark.line = line;
  return mark;
}

std::vector<Run> all(const Coverage& coverage) {
  std::vector<Run> runs;
  for (std::uint64_t at = 0;;) {
    const Run* next = coverage.next(at);
    if (next == nullptr)
      return runs;
    runs.push_back(*next);
    at = next->offset + next->length;
  }
}

}  // namespace

TEST_CASE("A file of which no batch holds anything is not covered") {
  Coverage coverage;
  CHECK(coverage.empty());
  coverage.close();
  CHECK(coverage.next(0) == nullptr);
}

TEST_CASE("Neighbouring runs are joined whatever their order, runs with a line between are not") {
  Coverage coverage;
  for (const auto& run : {lines(7, 1), lines(1, 2), lines(5, 2), lines(3, 1), lines(10, 4)})
    coverage.add(run);
  coverage.close();
  CHECK(all(coverage) == std::vector<Run>{lines(1, 3), lines(5, 3), lines(10, 4)});
  CHECK_FALSE(coverage.empty());
}

TEST_CASE("The next run is the first that ends after the offset") {
  Coverage coverage;
  coverage.add(lines(2, 2));
  coverage.add(lines(6, 1));
  coverage.close();
  struct Row {
    std::uint64_t offset;
    std::uint64_t line;  ///< of the run found; 0: none
  };
  for (const auto& row : {Row{0, 2}, {10, 2}, {28, 2}, {29, 6}, {50, 6}, {58, 6}, {59, 0}, {1000, 0}}) {
    CAPTURE(row.offset);
    const Run* next = coverage.next(row.offset);
    CHECK((next == nullptr ? 0 : next->line) == row.line);
  }
}

TEST_CASE("Of a manifest count the runs and merged sources of that file") {
  Manifest manifest;
  manifest.runs = {lines(1, 2), lines(1, 5, 2), lines(4, 1)};
  manifest.literals = {{0, 50, {lines(3, 1), lines(2, 1, 2), lines(8, 1)}}};
  Coverage coverage;
  coverage.add(manifest, 1, ReadMark{});
  coverage.close();
  CHECK(all(coverage) == std::vector<Run>{lines(1, 4), lines(8, 1)});
}

TEST_CASE("A run that began before the mark and goes on past it counts from the mark on") {
  // A batch packs the end of one block and the start of the next one into one run; the mark stands between
  // them.
  Manifest manifest;
  manifest.runs = {lines(1, 2), lines(3, 10)};
  manifest.literals = {{0, 50, {lines(20, 1), lines(2, 1)}}};
  Coverage coverage;
  SUBCASE("within the run") {
    coverage.add(manifest, 1, mark_before(8));
    coverage.close();
    CHECK(all(coverage) == std::vector<Run>{lines(8, 5), lines(20, 1)});
  }
  SUBCASE("at its first record") {
    coverage.add(manifest, 1, mark_before(3));
    coverage.close();
    CHECK(all(coverage) == std::vector<Run>{lines(3, 10), lines(20, 1)});
  }
  SUBCASE("at its end") {
    coverage.add(manifest, 1, mark_before(13));
    coverage.close();
    CHECK(all(coverage) == std::vector<Run>{lines(20, 1)});
  }
}

TEST_CASE("Covered and uncovered lines are told apart however they were spread over batches") {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<bool> covered(20'001);
    std::vector<Run> runs;
    for (std::uint64_t line = 1; line <= 20'000;) {
      const auto count = std::min<std::uint32_t>(1 + random() % 5, static_cast<std::uint32_t>(20'001 - line));
      if (random() % 3 != 0) {
        runs.push_back(lines(line, count));
        std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(line), count, true);
      }
      line += count;
    }
    std::shuffle(runs.begin(), runs.end(), random);
    Coverage coverage;
    for (const auto& run : runs)
      coverage.add(run);
    coverage.close();
    std::uint64_t line = 1;
    while (line <= 20'000) {
      const Run* next = coverage.next((line - 1) * 10);
      const bool here = next != nullptr && next->line <= line;
      REQUIRE(here == covered[line]);
      if (!here) {
        ++line;
        continue;
      }
      REQUIRE(next->line == line);
      for (; line < next->line + next->records; ++line)
        REQUIRE(covered[line]);
      REQUIRE((line > 20'000 || !covered[line]));
    }
  }
}

TEST_CASE("A file that was sent in very many pieces is joined on the way") {
  Coverage coverage;
  for (std::uint64_t line = 200'000; line >= 1; --line)
    coverage.add(lines(line, 1));
  coverage.close();
  CHECK(all(coverage) == std::vector<Run>{lines(1, 200'000)});
}
