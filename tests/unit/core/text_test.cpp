#include "usherd/core/text.hpp"

#include <doctest/doctest.h>

#include <string>

using usherd::append_json_string;
using usherd::is_utf8;
using usherd::percent_encode;
using usherd::printable;
using usherd::utf8_sequence;

namespace {

struct Row {
  std::string text;
  std::string shown;
};

}  // namespace

TEST_CASE("foreign text shows nothing that a terminal obeys") {
  const Row rows[] = {{"", ""},
                      {"plain, with spaces", "plain, with spaces"},
                      {"a\nb\tc", "a\\x0ab\\x09c"},
                      {"\x1b[31mred", "\\x1b[31mred"},
                      {std::string("a\0b", 3), "a\\x00b"},
                      {"\x7F", "\\x7f"},
                      {"caf\xC3\xA9", "caf\xC3\xA9"},
                      {"caf\xE9", "caf\\xe9"},
                      {"\xC2\x9B"
                       "31m",
                       "\\xc2\\x9b31m"},
                      {"\xE2\x80\xAE"
                       "exe",
                       "\\xe2\\x80\\xae"
                       "exe"},
                      {"\xE2\x81\xA6", "\\xe2\\x81\\xa6"},
                      {"\xE2\x82\xAC", "\xE2\x82\xAC"},
                      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"}};
  for (const auto& [text, shown] : rows)
    CHECK(printable(text) == shown);
}

TEST_CASE("foreign text is cut between characters and escapes, never within") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdef", 5) == "abcde...");
  CHECK(printable("abc\xC3\xA9", 4) == "abc...");
  CHECK(printable("abc\n", 6) == "abc...");
  CHECK(printable("abc\n", 7) == "abc\\x0a");
  CHECK(printable(std::string(1000, 'x')) == std::string(200, 'x') + "...");
}

TEST_CASE("JSON strings are valid whatever stands in the text") {
  const Row rows[] = {{"", "\"\""},
                      {"a\"b\\c/", R"("a\"b\\c/")"},
                      {"a\nb\x01", R"("a\u000ab\u0001")"},
                      {std::string("\0", 1), R"("\u0000")"},
                      {"\x7F", R"("\u007f")"},
                      {"\xC3\xA9", "\"\xC3\xA9\""},
                      {"\xE9!", "\"\xEF\xBF\xBD!\""},
                      {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}};
  for (const auto& [text, shown] : rows) {
    std::string out = "x";
    append_json_string(out, text);
    CHECK(out == "x" + shown);
  }
}

TEST_CASE("one thing is called one") {
  CHECK(usherd::counted(0, "record", "records") == "0 records");
  CHECK(usherd::counted(1, "record", "records") == "1 record");
  CHECK(usherd::counted(2, "record", "records") == "2 records");
}

TEST_CASE("everything but unreserved characters is percent-encoded") {
  CHECK(percent_encode("abd123=") == "abd123%3D");
  CHECK(percent_encode("A-z_0.9~") == "A-z_0.9~");
  CHECK(percent_encode("a+b/c d%\xC3\xA9") == "a%2Bb%2Fc%20d%25%C3%A9");
  CHECK(percent_encode(std::string("\0", 1)) == "%00");
  CHECK(percent_encode("").empty());
}

TEST_CASE("UTF-8 sequences are measured, and what only looks like one is not") {
  struct Sequence {
    std::string bytes;
    std::size_t length;
  };
  const Sequence rows[] = {{"a", 1},
                           {std::string("\0", 1), 1},
                           {"\xC2\x80", 2},
                           {"\xDF\xBF", 2},
                           {"\xE0\xA0\x80", 3},
                           {"\xED\x9F\xBF", 3},
                           {"\xEE\x80\x80", 3},
                           {"\xF0\x90\x80\x80", 4},
                           {"\xF4\x8F\xBF\xBF", 4},
                           {"", 0},
                           {"\x80", 0},
                           {"\xC0\x80", 0},          // overlong
                           {"\xC1\xBF", 0},          // overlong
                           {"\xE0\x9F\xBF", 0},      // overlong
                           {"\xF0\x8F\xBF\xBF", 0},  // overlong
                           {"\xED\xA0\x80", 0},      // a surrogate
                           {"\xF4\x90\x80\x80", 0},  // past U+10FFFF
                           {"\xF5\x80\x80\x80", 0},
                           {"\xC3", 0},
                           {"\xE2\x82", 0},
                           {"\xF0\x9F\x98", 0},
                           {"\xE2\x82(", 0},
                           {"\xF0\x9F\x98(", 0}};
  for (const auto& [bytes, length] : rows) {
    CAPTURE(percent_encode(bytes));
    CHECK(utf8_sequence(bytes) == length);
    CHECK(is_utf8("x" + bytes + "y") == (length != 0 || bytes.empty()));
  }
}
