#include "src/spool/line_buffer.hpp"

#include "src/spool/csv_cell.hpp"
#include "tests/unit/spool/csv_bench.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <random>
#include <string>

using namespace usherd;
using namespace usherd::test;

TEST_CASE("A line is what was put into it, whatever the lengths") {
  std::mt19937 random(7);
  LineBuffer line;
  for (int round = 0; round < 2000; ++round) {
    std::string expected;
    line.begin(4096);
    for (int piece = 0; piece < 12; ++piece) {
      std::string text(random() % (random() % 8 == 0 ? 300 : 40), '\0');
      for (auto& byte : text)
        byte = static_cast<char>(random());
      line.put(text);
      expected += text;
      line.put(',');
      expected += ',';
    }
    REQUIRE(line.view() == expected);
    line.cut(expected.size() / 2);
    line.put("tail");
    REQUIRE(line.view() == expected.substr(0, expected.size() / 2) + "tail");
  }
}

TEST_CASE("Values take no more room than was told") {
  LineBuffer line;
  const auto most = [](std::string_view text) { return kMostEscaped * text.size() + kMostAround; };
  // What grows most: escapes, short words for long ones, and elements of one character.
  for (const std::string text : {"", "\x01", "\x01;\x02;\x03", "\"", "x", "\x1f\x1f\x1f\x1f"}) {
    line.begin(most(text));
    CHECK_FALSE(append_list(line, CellType::text, text));
    CHECK(line.size() <= most(text));
    line.begin(most(text));
    append_text(line, text);
    CHECK(line.size() <= most(text));
  }
  for (const std::string text : {"f", "f;f;f;f", "n;f", "0"}) {
    line.begin(most(text));
    CHECK_FALSE(append_list(line, CellType::boolean, text));
    CHECK(line.size() <= most(text));
  }
  for (const std::string text : {".5", ".5;.5;1", "+1;-0", "5.;00e+00"}) {
    line.begin(most(text));
    CHECK_FALSE(append_list(line, CellType::real, text));
    CHECK(line.size() <= most(text));
  }
}

TEST_CASE("A row of cells that all grow becomes a record") {
  std::string header = "uid";
  std::string row = "1";
  std::string values;
  for (int column = 0; column < 500; ++column) {
    header += fmt::format(",c{}", column);
    row += ",\x01";
    values += fmt::format(R"({}"c{}":"\u0001")", column == 0 ? "" : ",", column);
  }
  const auto done = convert_csv(header + "\n" + row + "\n");
  REQUIRE(done.lines.size() == 1);
  CHECK(done.lines[0] == fmt::format(R"({{"uid":"1","properties":{{{}}}}})", values));
}
