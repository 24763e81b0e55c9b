#include "usherd/validate/cut_file.hpp"

#include "tests/unit/validate/text_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace usherd;

namespace {

constexpr std::uint64_t kAccepted = 5000;  ///< bytes that the file had

/// All of a file that has less than it had, as it is read block by block.
CheckedBlock read_cut(const std::string& left, std::uint64_t limit = kAccepted) {
  TextFile file(left);
  BlockReader reader({}, test_keys());
  CheckedBlock all;
  while (!all.end) {
    CheckedBlock block;
    const auto read = read_cut_file(reader, file, all.next_offset, all.next_line, limit, block);
    REQUIRE(read.has_value());
    REQUIRE(block.next_offset > all.next_offset);
    for (const auto& record : block.records.all())
      all.records.add(record);
    all.rejections.insert(all.rejections.end(), block.rejections.begin(), block.rejections.end());
    all.lines += block.lines;
    all.next_offset = block.next_offset;
    all.next_line = block.next_line;
    all.end = block.end;
  }
  CHECK(all.next_offset == limit);
  CHECK(all.lines == all.records.size() + all.rejections.size());
  return all;
}

void check_lost(const Rejection& lost, std::uint64_t offset, std::uint64_t line) {
  CHECK(lost.lost);
  CHECK(lost.code == "file_changed");
  CHECK(lost.offset == offset);
  CHECK(lost.line == line);
  CHECK(lost.length == 0);
  CHECK(lost.message.starts_with(fmt::format("{} bytes from here on are gone", kAccepted - offset)));
}

}  // namespace

TEST_CASE("half a line belongs to what is missing, as it broke no rule") {
  for (const std::string half : {"{\"uid\":", "{", "\xC3", "{\"uid\":\"c\"", "  {\"ui"}) {
    CAPTURE(half);
    const auto cut = read_cut("{\"uid\":\"a\"}\n{\"uid\":\"b\"}\n" + half);
    CHECK(cut.records.size() == 2);
    REQUIRE(cut.rejections.size() == 1);
    check_lost(cut.rejections[0], 24, 3);
  }
}

TEST_CASE("a record that lost no more than its newline is read, a line that was refused stays refused") {
  const auto cut = read_cut("{\"uid\":\"\"}\n{\"uid\":\"b\"}");
  CHECK(cut.records.size() == 1);
  REQUIRE(cut.rejections.size() == 2);
  CHECK(cut.rejections[0].code == "empty_uid");
  CHECK_FALSE(cut.rejections[0].lost);
  check_lost(cut.rejections[1], 22, 3);
}

TEST_CASE("a file that lost all, or ends with a line, has one rejection more") {
  const auto none = read_cut("");
  REQUIRE(none.rejections.size() == 1);
  check_lost(none.rejections[0], 0, 1);
  const auto whole = read_cut("{\"uid\":\"a\"}\nrubbish\n");
  REQUIRE(whole.rejections.size() == 2);
  CHECK(whole.rejections[0].code == "invalid_json");
  check_lost(whole.rejections[1], 20, 3);
}

TEST_CASE("half a line behind a byte order mark, and half a line that is too long, are missing too") {
  const auto marked = read_cut("\xEF\xBB\xBF{\"uid\"");
  REQUIRE(marked.rejections.size() == 1);
  check_lost(marked.rejections[0], 3, 1);
  constexpr std::uint64_t kLong = std::uint64_t{4} << 20;
  const auto big = read_cut("{\"uid\":\"a\"}\n{" + std::string(std::size_t{2} << 20, 'x'), kLong);
  CHECK(big.records.size() == 1);
  REQUIRE(big.rejections.size() == 1);
  CHECK(big.rejections[0].offset == 12);
  CHECK(big.rejections[0].code == "file_changed");
}

TEST_CASE("where the file is as long as it was a bad last line is a bad line") {
  const std::string text = "{\"uid\":\"a\"}\n{\"uid\":";
  const auto cut = read_cut(text, text.size());
  REQUIRE(cut.rejections.size() == 1);
  CHECK(cut.rejections[0].code == "invalid_json");
  CHECK_FALSE(cut.rejections[0].lost);
}
