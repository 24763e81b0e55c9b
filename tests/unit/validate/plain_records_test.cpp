#include "src/validate/plain_records.hpp"

#include "src/validate/record_checker.hpp"
#include "tests/unit/validate/text_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace usherd;

namespace {

/// Lines in memory as a block has them, looked at by the quick way and by the full one.
class BothWays {
 public:
  /// How many of the lines the quick way took. Whatever it took the full way must take, with the same result.
  std::size_t count_plain(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines)
      text.append(line).append(1, '\n');
    const auto size = text.size();
    // What stands behind a block is the block before it.
    text.append(simdjson::SIMDJSON_PADDING, '1');
    plain_.take_up(std::string_view(text).substr(0, size));
    std::size_t taken = 0;
    std::size_t at = 0;
    for (const auto& line : lines) {
      Record quick;
      if (const auto length = plain_.check(text.data() + at, quick); length > 0) {
        REQUIRE(length == line.size());
        ++taken;
        compare(text.data() + at, line.size(), quick);
      }
      at += line.size() + 1;
    }
    return taken;
  }
  bool is_plain(const std::string& line) { return count_plain({line}) == 1; }

 private:
  void compare(const char* text, std::size_t length, const Record& quick) {
    Record full;
    CAPTURE(std::string(text, length));
    const bool good = full_.check(text, length, full);
    REQUIRE_MESSAGE(good, full_.take_fault().message);
    REQUIRE(quick.user == full.user);
    REQUIRE(quick.second == full.second);
    REQUIRE(quick.flags == full.flags);
    REQUIRE(quick.length == full.length);
  }

  UserKeys keys_ = test_keys();
  PlainRecords plain_{keys_, std::size_t{64} << 10};
  RecordChecker full_{{}, keys_};
};

std::string with(std::string_view properties) {
  return fmt::format(R"({{"uid":"u","properties":{{{}}}}})", properties);
}

std::string many(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += fmt::format("{}\"p{}\":{}", i == 0 ? "" : ",", i, i);
  return out;
}

/// Records with everything that a rule looks at, mostly good ones.
class RandomRecords {
 public:
  explicit RandomRecords(unsigned seed) : random_(seed) {}

  std::string next() {
    std::string line = "{" + blank() + "\"uid\"" + seldom(" ") + ":" + blank() + text();
    if (one_in(3))
      line += "," + blank() + "\"email\":" + (one_in(4) ? "null" : text());
    if (one_in(4))
      line += ",\"display_name\":" + text();
    if (one_in(8))
      line += ",\"id\":" + text();
    if (!one_in(6))
      line += ",\"properties\":" + object(0);
    if (one_in(5))
      line += ",\"schema\":" + schema();
    return line + "}" + (one_in(5) ? "\r" : "");
  }
  /// One byte of it changed, gone or more.
  std::string spoilt() {
    auto line = next();
    constexpr std::string_view kBytes =
        "{}[]:,\"\\ \t\x01\x0c\x1a\xc3\xff"
        "0-9.eE+tfnu/aZ_";
    const auto at = random_() % line.size();
    const char byte = one_in(6) ? '\0' : kBytes[random_() % kBytes.size()];
    if (one_in(3))
      line.insert(at, 1, byte);
    else if (one_in(2))
      line.erase(at, 1 + random_() % 3);
    else
      line[at] = byte;
    return line;
  }

 private:
  bool one_in(unsigned count) { return random_() % count == 0; }
  std::string seldom(const char* what) { return one_in(60) ? what : ""; }
  /// One of the first `good`, and seldom another.
  const std::string& pick(const std::vector<std::string>& from, unsigned good) {
    return from[one_in(30) ? random_() % from.size() : random_() % good];
  }
  std::string blank() { return one_in(3) ? " " : one_in(20) ? "\t " : ""; }
  std::string text() {
    static const std::vector<std::string> texts = {
        "a", "name", "Ünal", R"(x\ny)", R"(\"q\" \\)", R"(a\/b\b\f\r\t)", R"(\u00e9)",
        // and what has a rule of its own
        "", R"(\ud83d\ude42)", R"(\ud83d)", R"(\ude42)", R"(\ud83dx\ude42)", R"(\u00g1)", R"(\u0000)",
        R"(\x)", std::string(129, 'e'), std::string(257, 'l'), std::string(8193, 'v')};
    return '"' + pick(texts, 7) + '"';
  }
  std::string number() {
    static const std::vector<std::string> numbers = {
        "0", "7", "-12.5", "123456789012345678", "0.000000000000000000001", "0.50", "12345678", "123456789",
        "-0",
        // and what is none or a long one
        "1234567890123456789", "18446744073709551616", "01", "-", "1.", ".5", "1e5", "1E400", "-01.5",
        "1.2.3", "1-2", "1234567.", "00", "12345.678.9"};
    return pick(numbers, 9);
  }
  std::string scalar() {
    switch (random_() % 6) {
      case 0:
        return "true";
      case 1:
        return "false";
      case 2:
        return one_in(3) ? "null" : "1";
      case 3:
        return text();
      default:
        return number();
    }
  }
  std::string value(unsigned depth) {
    if (one_in(8))
      return object(depth + 1);
    if (!one_in(4))
      return scalar();
    std::string array = "[";
    const auto count = random_() % 4;
    const auto same = scalar();
    for (unsigned i = 0; i < count; ++i)
      array += (i == 0 ? "" : ",") + blank() + (one_in(5) ? scalar() : one_in(30) ? value(depth) : same);
    return array + blank() + "]";
  }
  std::string schema() {
    static const std::vector<std::string> declarations = {
        R"("plan":"str")", R"("a.b2" : "ints")", R"("x_y":"dates")",  R"("plan":"text")",
        R"("a..b":"str")", R"("a":null)",        R"("a":"str\u0073")"};
    static const std::vector<std::string> names = {"properties", "other", "propert\\u0069es"};
    std::string text = "{\"" + pick(names, 1) + "\":{";
    const auto count = random_() % 4;
    for (unsigned i = 0; i < count; ++i)
      text += (i == 0 ? "" : ",") + pick(declarations, 3);
    return text + "}}";
  }
  std::string object(unsigned depth) {
    static const std::vector<std::string> names = {"plan", "seats", "a", "last_seen_at_the_office", "b2",
                                                   "tags", "x_y",
                                                   "when_it_was_that_the_user_was_last_seen_there",
                                                   // and what is none
                                                   "1bad", "", "ä", "plan\\u0041"};
    std::string text = "{";
    const auto count = depth == 0 && one_in(200) ? 600 : random_() % 6;
    for (unsigned i = 0; i < count; ++i)
      text += (i == 0 ? "\"" : ",\"") + pick(names, 8) + "\"" + seldom("\t") + ":" + blank() + value(depth);
    return text + "}";
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("Plain good records need no full parse") {
  BothWays ways;
  CHECK(ways.is_plain(R"({"uid":"u"})"));
  CHECK(ways.is_plain(R"( { "uid" : "u" , "email" : "e@example.com" } )"));
  CHECK(ways.is_plain(R"({"id":"i","uid":"u","email":null,"display_name":""})"));
  CHECK(
      ways.is_plain("{\"uid\": \"u\", \"properties\": {\"a\": -1.25, \"b\": [true, false], \"c\": null}}\r"));
  CHECK(ways.is_plain(R"({"uid":"u","properties":{}})"));
  CHECK(ways.is_plain(R"({"uid":"u","schema":{}})"));
  CHECK(ways.is_plain(
      R"({"schema":{"properties":{"a.b": "str", "c":"ints"}},"uid":"u","properties":{"c":[1]}})"));
  CHECK(ways.is_plain(with(R"("n":{"m":{"deep":"\u00e9\n"},"e":{}},"l":["a","b\\"],"z":[])")));
  CHECK(ways.is_plain(with(R"("n":[0,-0,0.5,1e-05,2.5E+10,123456789012345678.25])")));
  CHECK(ways.is_plain(with(R"("face":"\ud83d\ude42")")));
  CHECK(ways.is_plain(with(many(500))));
  CHECK(ways.is_plain(with("\"v\":\"" + std::string(8192, 'v') + '"')));
}

TEST_CASE("What is not plain is left to the full parse") {
  BothWays ways;
  for (const auto* line : {"",
                           " ",
                           "{",
                           "[]",
                           "{}",
                           "7",
                           R"({"email":"e"})",
                           R"({"uid":""})",
                           R"({"uid":"u"}})",
                           R"({"uid":"u"} x)",
                           R"({"uid":"u")",
                           R"({"uid":"u",})",
                           R"({"uid":"u""id":"i"})",
                           R"({"uid":"u":"id"})",
                           R"({"uid":"u"]})",
                           R"({"uid":"\u0041"})",
                           R"({"u\u0069d":"u"})",
                           R"({"uid":"u","uid":"u"})",
                           R"({"uid":"u","plan":"p"})",
                           R"({"uid":"u","schema":[]})",
                           R"({"uid":"u","schema":{"a":{}}})",
                           R"({"uid":"u","schema":{"properties":7}})",
                           R"({"uid":"u","schema":{"properties":{"a":"text"}}})",
                           R"({"uid":"u","schema":{"properties":{"a.":"str"}}})",
                           R"({"uid":"u","schema":{"properties":{"a":7}}})",
                           R"({"uid":"u","schema":{"properties":{"a":"str","b"}}})",
                           R"({"uid":"u","properties":[]})",
                           R"({"uid":7})",
                           "{\"uid\":\"u\0\"}"})
    CHECK_MESSAGE(!ways.is_plain(line), std::string(line));
  for (const auto* properties :
       {R"("1":1)",    R"("":1)",        R"("a b":1)",   R"("a":01)",   R"("a":1.)",
        R"("a":.5)",   R"("a":-)",       R"("a":1e555)", R"("a":1e)",   R"("a":1e+)",
        R"("a":e5)",   R"("a":1.e5)",    R"("a":1e5.1)", R"("a":+1)",   R"("a":1234567890123456789)",
        R"("a":tru)",  R"("a":truex)",   R"("a":nul)",   R"("a":[{}])", R"("a":[[]])",
        R"("a":[1,])", R"("a":[,1])",    R"("a":[1)",    R"("a":"\x")", R"("a":"\ud83d")",
        R"("a":1 2)",  R"("a":"b" "c")", R"("a" 1)",     R"(,"a":1)",   R"("a":1,)",
        R"("a":"b"c)", R"("a":\"b")"})
    CHECK_MESSAGE(!ways.is_plain(with(properties)), std::string(properties));
  CHECK(!ways.is_plain(with(many(501))));
  CHECK(!ways.is_plain(with("\"v\":\"" + std::string(8193, 'v') + '"')));
  CHECK(!ways.is_plain(R"({"uid":")" + std::string(257, 'u') + R"("})"));
}

TEST_CASE("A line that is not plain does not touch those beside it") {
  BothWays ways;
  const std::string good = R"({"uid":"u","properties":{"note":"a \\ b"}})";
  for (const auto* bad : {"{", "x", "}", R"({"uid":"u","properties":{"a":[1,2,3,{"uid":"u"}]}})", "\\",
                          R"({"uid":"\\\x"})", " ", ""})
    CHECK_MESSAGE(ways.count_plain({good, bad, good, bad, bad, good}) == 3, bad);
}

TEST_CASE("Where a line spoils the tokens of its block, none of the block is plain") {
  BothWays ways;
  const std::string good = R"({"uid":"u"})";
  for (const auto* bad : {R"({"uid":"u)", "{\"uid\":\"\xff\"}", "{\"uid\":\"a\tb\"}"}) {
    CHECK_MESSAGE(ways.count_plain({good, bad, good}) == 0, bad);
    CHECK(ways.count_plain({good, good}) == 2);
  }
  CHECK(ways.count_plain(std::vector<std::string>(8000, good)) == 0);  // more than the index has room for
}

TEST_CASE("A newline ends the line, wherever it stands") {
  BothWays ways;
  const std::string line =
      R"( { "uid": "u", "schema": {"properties": {"n": "int"}}, "properties": {"n": 1, "s": "t", "e": {}, "l": [1, 2], "w": [true], "z": [], "o": {"p": null}} } )";
  REQUIRE(ways.is_plain(line));
  for (std::size_t at = 1; at < line.size(); ++at) {
    const auto left = line.substr(0, at);
    const auto right = line.substr(at);
    const bool in_string = std::count(left.begin(), left.end(), '"') % 2 == 1;
    const bool is_whole = left.find('{') == std::string::npos || right.find('}') == std::string::npos;
    const std::size_t plain = in_string ? 0 : is_whole ? 3 : 2;
    CHECK_MESSAGE(ways.count_plain({line, left, right, line}) == plain, left);
  }
}

TEST_CASE("A name is known by all that stands in front of its value") {
  BothWays ways;
  const auto taken = [&](std::string_view properties) {
    // Before it stands what might be taken for it.
    return ways.count_plain({with(R"("a":1, "plan": "x","the_first_one_of_them":2,"b" : 3)"),
                             with(R"("a":1, "plan": "x","the_first_one_of_them":2,"b" : 3)"),
                             with(properties)}) == 3;
  };
  CHECK(taken(R"("a":1, "plan": "x","the_first_one_of_them":2,"b" : 3)"));
  CHECK(taken(R"("a" :1,"plan":"x", "the_first_one_of_them":2,"b": 3)"));
  CHECK(taken(R"("c":1, "plon": "x","the_first_ONE_of_them":2,"a" : 3)"));
  CHECK(taken(R"("a":1, "plan": "x","plan": "x")"));
  CHECK(!taken(R"("1":1, "plan": "x")"));
  CHECK(!taken(R"("a":1, "pl n": "x")"));
  CHECK(!taken(R"("a":1, "plan": "x","the_first_o\u_of_them":2)"));
  CHECK(!taken(R"("a":1, "plan"; "x")"));
  CHECK(!taken(R"("a":1, "plan": )"));
  CHECK(!taken(R"("a":)"));
}

TEST_CASE("More names than are kept") {
  const auto names = [](std::size_t count, std::string_view value) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
      out += fmt::format("{}\"{}{}\":{}", i == 0 ? "" : ",", std::string(1 + i % 9, 'n'), i, value);
    return out;
  };
  const std::string bad_end = std::string(20, 'n') + ".";
  for (const std::size_t count : {900, 1020, 1021, 1022, 1023, 1024, 1100}) {
    BothWays ways;
    const auto line = [&](std::string_view last) {
      return fmt::format(R"({{"uid":"u","schema":{{"properties":{{{},"{}":"str"}}}}}})",
                         names(count, "\"int\""), last);
    };
    CHECK(ways.is_plain(line("a.b")) == (count < 1023));
    CHECK(!ways.is_plain(line(bad_end)));
  }
  BothWays ways;
  for (std::size_t i = 0; i < 20; ++i) {
    const auto nested = fmt::format("\"o{}\":{{{}", i, names(100 * i, "1"));
    ways.count_plain({with(nested + "}"), with(nested + ",\"" + std::string(510, 'l') + "\":1}")});
  }
}

TEST_CASE("Whatever the quick way takes the full one takes too, with the same result") {
  BothWays ways;
  RandomRecords records(7);
  std::size_t plain = 0;
  for (int block = 0; block < 1500; ++block) {
    std::vector<std::string> lines;
    for (int i = 0; i < 6; ++i)
      lines.push_back(block % 3 == 0 ? records.next() : records.spoilt());
    std::erase_if(lines, [](const std::string& line) { return line.find('\n') != std::string::npos; });
    plain += ways.count_plain(lines);
  }
  CHECK(plain > 1000);
}
