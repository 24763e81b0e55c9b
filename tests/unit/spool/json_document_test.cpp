#include "usherd/spool/json_document.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace usherd;

namespace {

struct Element {
  std::string line;
  Origin origin;
};

struct Scan {
  std::vector<Element> elements;
  std::string error;
};

/// Scans `document`, fed in pieces that end at `cuts`.
Scan scan(std::string_view document, std::vector<std::size_t> cuts = {}) {
  Scan result;
  JsonDocumentScanner scanner([&](std::string_view line, const Origin& origin) -> Result<void> {
    result.elements.push_back({std::string(line), origin});
    return {};
  });
  cuts.push_back(document.size());
  std::size_t from = 0;
  for (const auto cut : cuts) {
    if (const auto fed = scanner.feed(document.substr(from, cut - from)); !fed) {
      CHECK(fed.error().code == Errc::invalid);
      result.error = fed.error().message;
      CHECK(scanner.finish().has_error());
      return result;
    }
    from = cut;
  }
  if (const auto finished = scanner.finish(); !finished)
    result.error = finished.error().message;
  return result;
}

std::vector<std::string> lines_of(std::string_view document) {
  const auto result = scan(document);
  CHECK_MESSAGE(result.error.empty(), result.error);
  std::vector<std::string> lines;
  for (const auto& element : result.elements)
    lines.push_back(element.line);
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an array, an envelope and a lone record are cut into lines") {
  CHECK(lines_of(R"([{"uid":"a"},{"uid":"b"}])") == Lines{R"({"uid":"a"})", R"({"uid":"b"})"});
  CHECK(lines_of(R"({"requests":[{"uid":"a"},{"uid":"b"}]})") == Lines{R"({"uid":"a"})", R"({"uid":"b"})"});
  CHECK(lines_of(R"({"uid":"a","properties":{"requests":[1]}})") ==
        Lines{R"({"uid":"a","properties":{"requests":[1]}})"});
  CHECK(lines_of("[]").empty());
  CHECK(lines_of(" [ \r\n ] \n").empty());
  CHECK(lines_of(R"({"requests":[]})").empty());
  CHECK(lines_of(" { \n\"requests\"\t: \r\n[ ] } ").empty());
  CHECK(lines_of("{}") == Lines{"{}"});
  CHECK(lines_of("\xEF\xBB\xBF[{}]") == Lines{"{}"});
}

TEST_CASE("only an object whose first key is exactly requests and holds an array is an envelope") {
  for (const char* document :
       {R"({"requests":{}})", R"({"requests":5})", R"({"requests" :"["})", R"({"request":[1]})",
        R"({"requestss":[1]})", R"({"requests ":[1]})", R"({"req uests":[1]})", R"({"r\u0065quests":[1]})",
        R"({"":[1]})", R"({"a":1,"requests":[1]})", R"({"requests"[1]})", R"({"requests\"":[1]})",
        R"([{"requests":[1]}])"}) {
    CAPTURE(document);
    auto expected = std::string(document);
    if (expected.front() == '[')
      expected = expected.substr(1, expected.size() - 2);
    CHECK(lines_of(document) == Lines{expected});
  }
}

TEST_CASE("blanks between tokens become spaces, a raw newline in a string stays") {
  CHECK(lines_of("[\r\n  {\r\n    \"uid\":\t\"a\"\n  },\n\n {}\n]") ==
        Lines{"{      \"uid\":\t\"a\"   }", "{}"});
  CHECK(lines_of("{\n\"requests\": 1\r\n}") == Lines{"{ \"requests\": 1  }"});
  CHECK(lines_of("[{\"uid\":\"a\nb\"}]") == Lines{"{\"uid\":\"a\nb\"}"});
  CHECK(lines_of("[{\"uid\":\"a\\\nb\"}]") == Lines{"{\"uid\":\"a\\\nb\"}"});
  CHECK(lines_of("[\"a\nb\"]") == Lines{"\"a\nb\""});
  CHECK(lines_of("[{\"uid\":\x01 5}]") == Lines{"{\"uid\":\x01 5}"});
}

TEST_CASE("brackets, commas and quotes inside strings mean nothing") {
  CHECK(lines_of(R"([{"uid":"]}[{,"},{"uid":"\"]\\"},"\\",{}])") ==
        Lines{R"({"uid":"]}[{,"})", R"({"uid":"\"]\\"})", R"("\\")", "{}"});
}

TEST_CASE("elements that are not objects are handed on") {
  CHECK(lines_of(R"([1,true , null,"x",[1,[2]],-1.5e3,nonsense])") ==
        Lines{"1", "true", "null", "\"x\"", "[1,[2]]", "-1.5e3", "nonsense"});
  CHECK(lines_of("[{\"a\" \"b\",,}]") == Lines{"{\"a\" \"b\",,}"});
}

TEST_CASE("a damaged document is an error that names the place") {
  for (const char* document : {"",
                               "  \n",
                               "\xEF\xBB\xBF",
                               "\xEF\xBB",
                               "\xEF\xBB[]",
                               "5",
                               "\"x\"",
                               "null",
                               "]",
                               "}",
                               "[",
                               "{",
                               "[{}",
                               "[{},",
                               "[{},]",
                               "[,{}]",
                               "[{},,{}]",
                               "[{}{}]",
                               "[{} {}]",
                               "[1 2]",
                               "[\"a\"b]",
                               "[\"a\"\"b\"]",
                               "[1\"a\"]",
                               "[:]",
                               "[}",
                               "[{]}]",
                               "[{\"a\":[1}]",
                               "[[}]",
                               "[{}}",
                               "[{\"uid\":\"a]",
                               "[{\"uid\":\"a\\\"}]",
                               "[12",
                               "[] []",
                               "[]x",
                               "[],",
                               "{}{}",
                               "{}\n{}",
                               "{} ]",
                               "{\"requests\":[]",
                               "{\"requests\":[}",
                               "{\"requests\":[]]",
                               "{\"requests\":[],\"more\":1}",
                               "{\"requests\":[]} {}",
                               "{\"requests\":[{}]}]",
                               "{\"requests\"",
                               "{\"uid\":\"a\""}) {
    CAPTURE(document);
    const auto error = scan(document).error;
    CHECK_FALSE(error.empty());
    CHECK(error.find("line ") == 0);
  }
  CHECK(scan("[\n{},\n{}\n{}]").error == "line 4, offset 9: a comma or ] is missing behind an element");
  CHECK(scan("[{}").error.find("cut short") != std::string::npos);
  CHECK(scan("{}\n{}").error.find(".ndjson") != std::string::npos);
  for (const auto& start :
       {std::string("\xFF\xFE[\0", 4), std::string("\xFE\xFF\0[", 4), std::string("\0[", 2)})
    CHECK(scan(start).error.find("is the file UTF-16? Save it as UTF-8") != std::string::npos);
  CHECK(scan(" \xFF").error.find("UTF-16") == std::string::npos);
}

TEST_CASE("an element of many brackets is one line") {
  CHECK(lines_of("[" + std::string(60000, '[') + std::string(60000, ']') + "]").size() == 1);
}

TEST_CASE("an origin is the element's place in the document") {
  const std::string document = "\xEF\xBB\xBF[ {\"uid\":\n\"a\"},\n  17,\r\n\"x\ny\"\n,[\n]]";
  const auto result = scan(document);
  CHECK(result.error.empty());
  REQUIRE(result.elements.size() == 4);
  const std::pair<const char*, std::uint64_t> expected[] = {
      {"{\"uid\":\n\"a\"}", 1}, {"17", 3}, {"\"x\ny\"", 4}, {"[\n]", 6}};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& origin = result.elements[i].origin;
    CHECK(document.substr(origin.offset, origin.length) == expected[i].first);
    CHECK(origin.line == expected[i].second);
  }
}

TEST_CASE("the way a document is cut into pieces changes nothing") {
  const std::string documents[] = {
      "\xEF\xBB\xBF[ {\"uid\":\"a\\\\\\\"\nb\"} ,\n 17, [\"x\",{\"y\":[]}],null\r\n]\n",
      "{ \"requests\"\n : [ {\"uid\":\"\\u0041\"}, {} ] }\n",
      "{\"request\": \"}\", \"n\": [1, 2]}",
      "{\"requests\": {\"a\": 1}}",
      "[{\"uid\":\"a\"} {}]",
      "{\"requests\":[1,2]]",
      "[{},{]",
  };
  for (const auto& document : documents) {
    const auto whole = scan(document);
    for (std::size_t first = 0; first <= document.size(); ++first) {
      for (std::size_t second = first; second <= document.size(); ++second) {
        const auto cut = scan(document, {first, second});
        REQUIRE(cut.error == whole.error);
        REQUIRE(cut.elements.size() == whole.elements.size());
        for (std::size_t i = 0; i < cut.elements.size(); ++i) {
          REQUIRE(cut.elements[i].line == whole.elements[i].line);
          REQUIRE(cut.elements[i].origin.offset == whole.elements[i].origin.offset);
          REQUIRE(cut.elements[i].origin.line == whole.elements[i].origin.line);
          REQUIRE(cut.elements[i].origin.length == whole.elements[i].origin.length);
        }
      }
    }
  }
}

TEST_CASE("of an element over one mebibyte only the head is kept, its origin is true") {
  const std::size_t most = 1U << 20;
  for (const auto& [open, close] : {std::pair{"{\"uid\":\"", "\"}"}, {"\"", "\""}, {"", ""}}) {
    const std::string large = open + std::string(3 * most, 'x') + close;
    const auto result = scan("[{}," + large + ",{}]", {100, 70000, 2000000});
    CHECK(result.error.empty());
    REQUIRE(result.elements.size() == 3);
    CHECK(result.elements[1].line == large.substr(0, most + 1));
    CHECK(result.elements[1].origin.length == large.size());
    CHECK(result.elements[2].origin.offset == large.size() + 5);
  }
  const std::string fitting = "{\"uid\":\"" + std::string(most - 10, 'x') + "\"}";
  CHECK(lines_of("[" + fitting + "]") == Lines{fitting});
}

TEST_CASE("an error of the receiver stops the scan and is passed on") {
  int calls = 0;
  JsonDocumentScanner scanner([&](std::string_view, const Origin&) -> Result<void> {
    ++calls;
    return Error{Errc::no_space, "full"};
  });
  const auto fed = scanner.feed("[{},{},{}]");
  REQUIRE(fed.has_error());
  CHECK(fed.error().code == Errc::no_space);
  CHECK(scanner.feed("more").has_error());
  CHECK(scanner.finish().has_error());
  CHECK(calls == 1);
}

TEST_CASE("an element of any depth is the validator's to judge, and its neighbours go on") {
  for (const std::size_t depth : {70'000U, (1U << 20) - 8, 3'000'000U}) {
    CAPTURE(depth);
    const auto deep = "{\"uid\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    const auto result = scan("[{\"uid\":\"a\"}," + deep + ",\n{\"uid\":\"b\"}]");
    CHECK_MESSAGE(result.error.empty(), result.error);
    REQUIRE(result.elements.size() == 3);
    CHECK(result.elements[1].origin.length == deep.size());
    CHECK(deep.starts_with(std::string_view(result.elements[1].line).substr(0, 1U << 20)));
    CHECK(result.elements[2].line == R"({"uid":"b"})");
    CHECK(result.elements[2].origin.line == 2);
  }
}
