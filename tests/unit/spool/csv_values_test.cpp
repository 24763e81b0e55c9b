#include "src/spool/csv_cell.hpp"
#include "tests/unit/spool/csv_bench.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace usherd;
using namespace usherd::test;

TEST_CASE("a cell becomes a value of its column's type, or its row is refused") {
  struct Row {
    const char* type;
    const char* cell;
    const char* value;  ///< null: refused
  };
  const Row table[] = {
      {"str", "007", R"("007")"},
      {"str", " x ", R"(" x ")"},
      {"str", "a\\b", R"("a\\b")"},
      {"str", "\x01\t", R"("\u0001\u0009")"},
      {"int", "42", "42"},
      {"int", " +042\t", "42"},
      {"int", "-0", "-0"},
      {"int", "-9223372036854775808", "-9223372036854775808"},
      {"int", "1.0", nullptr},
      {"int", "1e3", nullptr},
      {"int", "1 000", nullptr},
      {"int", "0x10", nullptr},
      {"int", "-", nullptr},
      {"int", "abc", nullptr},
      {"real", "1.50", "1.50"},
      {"real", "00.5", "0.5"},
      {"real", ".5", "0.5"},
      {"real", "5.", "5"},
      {"real", "-1E+05", "-1e5"},
      {"real", "1e-07", "1e-7"},
      {"real", "1,5", nullptr},
      {"real", ".", nullptr},
      {"real", "1e", nullptr},
      {"real", "nan", nullptr},
      {"real", "inf", nullptr},
      {"real", "1.5.2", nullptr},
      {"bool", "true", "true"},
      {"bool", "FALSE", "false"},
      {"bool", "1", "true"},
      {"bool", "0", "false"},
      {"bool", "Yes", "true"},
      {"bool", "no", "false"},
      {"bool", "T", "true"},
      {"bool", "f", "false"},
      {"bool", "y", "true"},
      {"bool", "N", "false"},
      {"bool", "\x11", nullptr},
      {"bool", "2", nullptr},
      {"bool", "on", nullptr},
      {"bool", "truee", nullptr},
      {"date", "2024-02-29", R"("2024-02-29")"},
      {"date", "2023-02-29", nullptr},
      {"date", "1900-02-29", nullptr},
      {"date", "2000-02-29", R"("2000-02-29")"},
      {"date", "2024-04-31", nullptr},
      {"date", "2024-13-01", nullptr},
      {"date", "2024-5-1", nullptr},
      {"date", "31.05.2024", nullptr},
      {"date", "20240531", nullptr},
      {"date", "2024-05-31T12:30", R"("2024-05-31T12:30")"},
      {"date", "2024-05-31 12:30:59.123", R"("2024-05-31T12:30:59.123")"},
      {"date", "2024-05-31t12:30:00z", R"("2024-05-31T12:30:00Z")"},
      {"date", "2024-05-31T12:30:00+02:00", R"("2024-05-31T12:30:00+02:00")"},
      {"date", "2024-05-31T12:30:00-0230", R"("2024-05-31T12:30:00-0230")"},
      {"date", "2024-05-31T12:30:00+02", R"("2024-05-31T12:30:00+02")"},
      {"date", "2024-05-31T24:00:00", nullptr},
      {"date", "2024-05-31T12:60", nullptr},
      {"date", "2024-05-31T12", nullptr},
      {"date", "2024-05-31T12:30:00.", nullptr},
      {"date", "2024-05-31T12:30:00 Z", nullptr},
      {"date", "2024-05-31X", nullptr},
      {"date", "1717158600", nullptr},
      {"strs", "a;b", R"(["a","b"])"},
      {"strs", "a; b ;;c;", R"(["a"," b ","c"])"},
      {"strs", ";", "[]"},
      {"ints", " 1; 2;", "[1,2]"},
      {"ints", "1;x", nullptr},
      {"reals", "1;.5", "[1,0.5]"},
      {"bools", "yes;0", "[true,false]"},
      {"dates", "2024-01-01;2024-01-02 10:00", R"(["2024-01-01","2024-01-02T10:00"])"},
      {"dates", "2024-01-01,2024-01-02", nullptr},
  };
  for (const auto& row : table) {
    CAPTURE(row.type);
    CAPTURE(row.cell);
    const auto done = convert_csv(fmt::format("uid,p:{}\n1,\"{}\"\n", row.type, row.cell));
    CHECK(done.error.empty());
    REQUIRE(done.lines.size() == 1);
    if (row.value == nullptr) {
      CHECK(done.codes() == std::vector<std::string>{"csv_cell_type"});
      continue;
    }
    CHECK(done.lines[0] ==
          fmt::format(R"({{"uid":"1","properties":{{"p":{}}},"schema":{{"properties":{{"p":"{}"}}}}}})",
                      row.value, row.type));
  }
}

TEST_CASE("the reason of a refused cell names column, value and what to write") {
  const auto done = convert_csv("uid,age:int\n1,x\x1b[2J\n");
  REQUIRE(done.lines.size() == 1);
  const auto row = read_bad_row(done.lines[0]);
  REQUIRE(row.has_value());
  CHECK(row->message == "column 2 (age) has 'x\\x1b[2J', which is not of type int: write a whole number");
  CHECK(row->raw == "1,x\x1b[2J");
}

TEST_CASE("the reason of a refused list names the element that is wrong") {
  const auto element = [](const std::string& header, const std::string& cell) {
    const auto done = convert_csv("uid,n:" + header + "\n1," + cell + "\n");
    REQUIRE(done.lines.size() == 1);
    const auto row = read_bad_row(done.lines[0]);
    return row ? row->message : "";
  };
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += std::to_string(i) + ";";
  CHECK(element("ints", many + " 4x ;z;1") ==
        "column 2 (n) has the element '4x', which does not fit a list of ints: write a whole number");
  CHECK(element("bools", "\"yes;n\"\"o\"").find("has the element 'n\"o', which") != std::string::npos);
}

TEST_CASE("a row whose record would break a rule that hides its text is refused as it stands in the file") {
  const auto huge = "x,\"" + std::string((std::size_t{1} << 20) - 60, 'y') + "\"";
  struct Case {
    std::string header;
    std::string row;
    const char* code;
  };
  const Case table[] = {
      {"uid,n:int", "x,99999999999999999999", "number_out_of_range"},
      {"uid,n:int", "x,-9223372036854775809", "number_out_of_range"},
      {"uid,n:int", "x,18446744073709551615", nullptr},
      {"uid,n:ints", "x,1;18446744073709551616", "number_out_of_range"},
      {"uid,r:real", "x,1e999", "number_out_of_range"},
      {"uid,r:reals", "x,1;-2E400", "number_out_of_range"},
      {"uid,r:real", "x,1e-999", nullptr},
      {"uid,r:real", "x,0.12345678901234567890123", nullptr},
      {"uid,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", huge, "record_too_large"},
      {"uid,a", huge, nullptr},
  };
  for (const auto& each : table) {
    CAPTURE(each.header);
    const auto done = convert_csv(each.header + "\n" + each.row + "\nz,\n");
    CHECK(done.error.empty());
    REQUIRE(done.lines.size() == 2);
    const auto row = read_bad_row(done.lines[0]);
    CHECK(row.has_value() == (each.code != nullptr));
    if (row && each.code != nullptr) {
      CHECK(row->code == each.code);
      CHECK((row->raw == each.row));
    }
  }
}

TEST_CASE("rows without a value are no records, however many cells they have and however these are written") {
  for (const std::string_view blank :
       {",", ",,", ",,,,,,", ",\r", "\"\",", "\"\",\"\",,\"\"", "\"\",\"\",\"\",\"\"\r"}) {
    CAPTURE(blank);
    const auto done = convert_csv(fmt::format("uid,a,b\n1,x,\n{}\n2,,y\n{}", blank, blank));
    CHECK(done.error.empty());
    CHECK(done.codes().empty());
    CHECK(done.lines.size() == 2);
  }
  for (const std::string_view row : {", ,", "\"\",\"\",\" \"", "\"\"\"\",,", "\"\",x,"}) {
    CAPTURE(row);
    CHECK(convert_csv(fmt::format("uid,a\n{}\n", row)).codes() == std::vector<std::string>{"csv_cell_count"});
  }
}

TEST_CASE("a row that cannot become a record is told apart from every record, newlines and all") {
  for (const std::string raw : {"", "a\nb", "\x1b", "\x1bn", "a\x1b\n\nn\x01", "\xff"}) {
    std::string line;
    append_bad_row(line, {"code", "why", raw});
    CHECK(line.find('\n') == std::string::npos);
    const auto row = read_bad_row(line);
    REQUIRE(row.has_value());
    CHECK(row->code == "code");
    CHECK(row->message == "why");
    CHECK(row->raw == raw);
  }
  std::string line;
  append_bad_row(line, {"code", "why", std::string(std::size_t{3} << 20, '\n')});
  CHECK(line.size() <= kMostBadRowLine);
  CHECK((read_bad_row(line)->raw == std::string(std::size_t{1} << 20, '\n')));
  CHECK_FALSE(read_bad_row("{\"uid\":\"1\"}").has_value());
  CHECK_FALSE(read_bad_row("\x01only\x01two").has_value());
}
