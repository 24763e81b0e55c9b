#include "usherd/batch/freezer.hpp"

#include "tests/unit/batch/spool_text.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <string>
#include <vector>

using namespace usherd;
using usherd::test::SpoolText;

namespace {

std::string update(const std::string& uid, std::size_t value, const std::string& padding = "") {
  return fmt::format(R"({{"uid":"{}","properties":{{"n":{}{}}}}})", uid, value,
                     padding.empty() ? "" : fmt::format(R"(,"p":"{}")", padding));
}

/// The records of one file that are given, oldest first.
MergeGroup group_of(const SpoolText& text, const std::vector<std::size_t>& which) {
  MergeGroup group;
  for (const auto i : which) {
    const auto& queued = text.records[0][i];
    group.records.push_back(queued);
    group.places.push_back(
        {text.numbers[0], queued.record.offset, queued.record.length, queued.record.line, 1});
  }
  return group;
}

std::vector<std::size_t> every(std::size_t step, std::size_t from, std::size_t end) {
  std::vector<std::size_t> which;
  for (auto i = from; i < end; i += step)
    which.push_back(i);
  return which;
}

/// How many steps it took.
std::size_t fold_all(GroupFolder& folder, SpoolText& text) {
  std::size_t steps = 0;
  for (; !folder.is_done(); ++steps)
    REQUIRE(folder.step(text.disk, text.paths));
  return steps;
}

}  // namespace

TEST_CASE("Groups are folded by slices of so many records, one of them over several") {
  SpoolText text;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 4000; ++i)
    lines.push_back(update(i % 2 == 0 ? "a" : "b", i));
  text.add(7, lines);
  GroupFolder folder({group_of(text, every(2, 0, 4000)), group_of(text, every(2, 1, 4000))}, 1 << 20);
  CHECK(fold_all(folder, text) == 4);
  REQUIRE(folder.outcomes().size() == 2);
  CHECK(folder.outcomes()[0].taken == 2000);
  CHECK(folder.outcomes()[0].line == update("a", 3998));
  CHECK(folder.outcomes()[1].taken == 2000);
  CHECK(folder.outcomes()[1].line == update("b", 3999));
}

TEST_CASE("A slice ends where it has enough bytes") {
  SpoolText text;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 100; ++i)
    lines.push_back(update("a", i, std::string(100'000, 'x')));
  text.add(7, lines);
  GroupFolder folder({group_of(text, every(1, 0, 100))}, 1 << 20);
  CHECK(fold_all(folder, text) == 3);
  CHECK(folder.outcomes()[0].taken == 100);
  CHECK(folder.outcomes()[0].line == lines.back());
}

TEST_CASE("What does not fit ends its group, and the next one is folded all the same") {
  SpoolText text;
  text.add(7, {update("a", 1), update("a", 2), R"({"uid":"a","properties":{"n":"text"}})", update("a", 3),
               update("b", 1), update("b", 2), update("c", 1), R"({"uid":"c","properties":{"n":"text"}})"});
  GroupFolder folder({group_of(text, {0, 1, 2, 3}), group_of(text, {4, 5}), group_of(text, {6, 7})}, 1 << 20);
  CHECK(fold_all(folder, text) == 1);
  CHECK(folder.outcomes()[0].taken == 2);
  CHECK(folder.outcomes()[0].line == update("a", 2));
  CHECK(folder.outcomes()[1].taken == 2);
  CHECK(folder.outcomes()[2].taken == 0);
}

TEST_CASE("A group that would grow beyond the room that is left is not folded") {
  SpoolText text;
  text.add(7, {update("a", 1), update("a", 2, std::string(80, 'x')), update("b", 1),
               update("b", 2, std::string(80, 'x')), update("c", 1), update("c", 2)});
  GroupFolder folder({group_of(text, {0, 1}), group_of(text, {2, 3}), group_of(text, {4, 5})}, 100);
  fold_all(folder, text);
  CHECK(folder.outcomes()[0].taken == 2);
  CHECK(folder.outcomes()[1].taken == 0);
  CHECK(folder.outcomes()[2].taken == 2);
}

TEST_CASE("After a disk that did not give a record folding goes on where it was") {
  SpoolText text;
  text.add(7, {update("a", 1), update("a", 2)});
  GroupFolder folder({group_of(text, {0, 1})}, 100);
  text.disk.fail_open(1, Error{Errc::io, "broken"});
  CHECK_FALSE(folder.step(text.disk, text.paths));
  CHECK_FALSE(folder.is_done());
  REQUIRE(folder.step(text.disk, text.paths));
  CHECK(folder.is_done());
  CHECK(folder.outcomes()[0].line == update("a", 2));
}
