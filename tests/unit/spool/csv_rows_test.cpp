#include "usherd/spool/csv_rows.hpp"

#include "tests/unit/spool/csv_bench.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <random>

using namespace usherd;
using namespace usherd::test;

namespace {

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("quotes, line ends and blank lines are those of RFC 4180") {
  struct Row {
    std::string rows;
    Strings values;  ///< of p
  };
  const Row table[] = {
      {"1,a\n", {"a"}},
      {"1,a", {"a"}},
      {"1,a\r\n2,b\r\n", {"a", "b"}},
      {"1,a\r", {"a"}},
      {"1,\"a\"\r\n2,b", {"a", "b"}},
      {"1,\"a\"\r", {"a"}},
      {"\n1,a\n\r\n  \t\n2,b\n\n", {"a", "b"}},
      {"1,\"a,b\"\n", {"a,b"}},
      {"1,\"a\"\"b\"\n", {"a\\\"b"}},
      {"1,\"\"\"\"\n", {"\\\""}},
      {"1,\"a\nb\r\nc\"\n2,d\n", {"a\\u000ab\\u000d\\u000ac", "d"}},
      {"\"1\",\"a\"", {"a"}},
      {"1, a \n", {" a "}},
      {"1,a\rb\n", {"a\\u000db"}},
      {"1,ä\n", {"ä"}},
  };
  for (const auto& row : table) {
    CAPTURE(row.rows);
    for (const std::size_t piece : {1, 2, 3, 1000}) {
      const auto done = convert_csv("uid,p\n" + row.rows, piece);
      CHECK(done.error.empty());
      CHECK(done.codes().empty());
      REQUIRE(done.lines.size() == row.values.size());
      for (std::size_t i = 0; i < row.values.size(); ++i)
        CHECK(done.lines[i].find("\"p\":\"" + row.values[i] + "\"") != std::string::npos);
    }
  }
}

TEST_CASE("a bad row is one reject with its place, and the others go on") {
  struct Row {
    std::string row;
    const char* code;
  };
  const Row table[] = {
      {"b", "csv_cell_count"},
      {"b,c,d", "csv_cell_count"},
      {"b,c,", "csv_cell_count"},
      {"\"b\nc\"", "csv_cell_count"},
      {"b,x\"y", "csv_quotes"},
      {"b,\"x\"y", "csv_quotes"},
      {"b,\"x\" ", "csv_quotes"},
      {" \"b\",c", "csv_quotes"},
      {"\"\"x,", "csv_quotes"},
      {"b,\"x\"\"", "csv_quotes"},
      {"b,\"never closed", "csv_quotes"},
      {"b,5\" pipe", "csv_quotes"},
      {"\"b", "csv_quotes"},
      {"Jos\xE9,x", "invalid_utf8"},
      {"b,\"\xC3\n\"\"\"", "invalid_utf8"},
  };
  for (const auto& row : table) {
    for (const std::string end : {"\n", "\r\n"}) {
      CAPTURE(row.row);
      const auto text =
          "\xEF\xBB\xBFuid,p" + end + "a,1" + end + row.row + end + "c,\"2\"" + end + "d,3" + end;
      for (const std::size_t piece : {1, 7, 1000}) {
        const auto done = convert_csv(text, piece);
        CHECK(done.error.empty());
        REQUIRE(done.lines.size() == 4);
        CHECK(done.codes() == Strings{row.code});
        const auto bad = read_bad_row(done.lines[1]);
        REQUIRE(bad.has_value());
        CHECK(bad->raw == row.row);
        CHECK(done.origins[1].line == 3);
        CHECK(done.origins[1].offset == text.find(end + row.row) + end.size());
        const auto extra = static_cast<std::uint64_t>(std::count(row.row.begin(), row.row.end(), '\n'));
        CHECK(done.origins[2].line == 4 + extra);
        CHECK(text.substr(done.origins[2].offset, done.origins[2].length) == "c,\"2\"");
        CHECK(done.origins[3].line == 5 + extra);
        CHECK(text.substr(done.origins[3].offset, done.origins[3].length) == "d,3");
      }
    }
  }
}

TEST_CASE("a quote that is never closed costs its line, not the file behind it") {
  std::string text = "uid,p\n0,\"open\n";
  while (text.size() < CsvRows::kMostAhead * 2)
    text += fmt::format("{},row\n", text.size());
  const auto rows = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) - 1;
  const auto done = convert_csv(text);
  CHECK(done.error.empty());
  CHECK(done.lines.size() == rows);
  CHECK(done.codes() == Strings{"csv_quotes"});
  const auto& last = done.origins.back();
  CHECK(last.line == rows + 1);
  CHECK(text.substr(last.offset, last.length) + "\n" == text.substr(last.offset));
}

TEST_CASE("a quote that was left open takes no good row behind it along") {
  for (const std::string good : {"b,\",x\"", "b,\",\"\"\"", "b,\"x\""}) {
    CAPTURE(good);
    const auto text = "uid,p\na,\"open\n" + good + "\nc,1\n";
    for (const std::size_t piece : {1, 7, 1000}) {
      const auto done = convert_csv(text, piece);
      CHECK(done.error.empty());
      CHECK(done.codes() == Strings{"csv_quotes"});
      REQUIRE(done.lines.size() == 3);
      const auto bad = read_bad_row(done.lines[0]);
      REQUIRE(bad.has_value());
      CHECK(bad->raw == "a,\"open");
      CHECK(done.origins[1].line == 3);
      CHECK(text.substr(done.origins[1].offset, done.origins[1].length) == good);
      CHECK(done.origins[2].line == 4);
    }
  }
}

TEST_CASE("a row over 1 MiB is one reject, its quoted lines with it") {
  const std::string big = "a," + fmt::format("\"{}\nx,y\n\"", std::string(CsvRows::kMostRowBytes, 'z'));
  const std::string huge = "b," + std::string(CsvRows::kMostAhead + 100, 'z');
  const std::string broken = "\"e\nf\"," + std::string(CsvRows::kMostAhead + 100, 'z');
  const auto text = fmt::format("uid,p\n{}\nc,1\n{}\nd,2\n{}\ng,3\n", big, huge, broken);
  const auto done = convert_csv(text);
  CHECK(done.error.empty());
  CHECK(done.codes() == Strings{"record_too_large", "record_too_large", "record_too_large"});
  REQUIRE(done.lines.size() == 6);
  CHECK((read_bad_row(done.lines[0])->raw == big.substr(0, CsvRows::kMostRowBytes)));
  CHECK(done.origins[1].line == 5);
  CHECK(done.origins[2].line == 6);
  CHECK(done.origins[3].line == 7);
  CHECK(text.substr(done.origins[3].offset, done.origins[3].length) == "d,2");
  CHECK(done.origins[4].line == 8);
  CHECK(done.origins[5].line == 10);
  CHECK(text.substr(done.origins[5].offset, done.origins[5].length) == "g,3");
}

TEST_CASE("the pieces a file comes in change nothing, at the bounds neither") {
  std::string text = "uid,p\n";
  for (const auto length : {CsvRows::kMostAhead - 6, CsvRows::kMostAhead + 1, CsvRows::kMostAhead + 20})
    text += fmt::format("a,\"{}\nb,c\"\n1,2\n", std::string(length, 'z'));
  const auto whole = convert_csv(text, text.size());
  CHECK(whole.codes().size() >= 3);
  for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{999'983}}) {
    const auto cut = convert_csv(text, piece);
    CHECK(cut.lines == whole.lines);
    REQUIRE(cut.origins.size() == whole.origins.size());
    for (std::size_t i = 0; i < cut.origins.size(); ++i) {
      CHECK(cut.origins[i].offset == whole.origins[i].offset);
      CHECK(cut.origins[i].line == whole.origins[i].line);
    }
  }
}

TEST_CASE("cells of any length are cut at the same places, whatever the pieces") {
  std::mt19937 random(3);
  std::string text = "uid,p,q\n";
  Strings expected;
  for (int row = 0; row < 300; ++row) {
    const auto cell = [&](bool quoted) {
      std::string letters(1 + random() % (random() % 4 == 0 ? 200 : 20), 'x');
      if (quoted)
        letters.replace(0, 1, ",\n");
      return letters;
    };
    const bool quoted = random() % 4 == 0;
    const auto p = cell(quoted);
    const auto q = cell(false);
    const std::string_view quote = quoted ? "\"" : "";
    text += fmt::format("{},{}{}{},{}{}", row, quote, p, quote, q, random() % 3 == 0 ? "\r\n" : "\n");
    const auto shown = quoted ? ",\\u000a" + p.substr(2) : p;
    expected.push_back(fmt::format(R"({{"uid":"{}","properties":{{"p":"{}","q":"{}"}}}})", row, shown, q));
  }
  for (const std::size_t piece : {1, 13, 63, 64, 65, 1000, 100'000}) {
    const auto done = convert_csv(text, piece);
    CHECK(done.error.empty());
    CHECK(done.lines == expected);
  }
}

TEST_CASE("a row of countless cells is counted and not kept") {
  const auto done = convert_csv("uid,p\n1" + std::string(1'000'000, ',') + "\n1,2\n");
  REQUIRE(done.lines.size() == 2);
  const auto row = read_bad_row(done.lines[0]);
  REQUIRE(row.has_value());
  CHECK(row->message == "the row has 1000001 cells, the header 2");
}

TEST_CASE("a row that unfolds to more than a record may have is refused as it stands in the file") {
  std::string header = "uid";
  std::string row = "1";
  for (int column = 0; header.size() < 600'000; ++column) {
    header += fmt::format(",{}{}:int", std::string(400, 'n'), column);
    row += ",1";
  }
  const auto done = convert_csv(header + "\n" + row + "\n");
  CHECK(done.error.empty());
  REQUIRE(done.lines.size() == 1);
  const auto refused = read_bad_row(done.lines[0]);
  REQUIRE(refused.has_value());
  CHECK(refused->code == "record_too_large");
  CHECK((refused->raw == row));
}
