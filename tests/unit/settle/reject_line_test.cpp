#include "usherd/settle/reject_line.hpp"

#include <doctest/doctest.h>

namespace usherd {
namespace {

RejectLine sample() {
  RejectLine line;
  line.file = "users.ndjson";
  line.line = 7;
  line.offset = 1234;
  line.stage = Stage::api;
  line.code = "invalid_parameter";
  line.message = "The provided uid parameter can not be empty";
  line.batch = 12;
  line.job = "am9i==";
  line.record = R"({"uid":""})";
  return line;
}

std::string text(const RejectLine& line) {
  std::string out;
  append_reject_line(out, line);
  return out;
}

/// What stands in the place of the record.
std::string shown(std::string_view record) {
  RejectLine line = sample();
  line.record = record;
  const auto whole = text(line);
  const auto from = whole.find(R"("am9i==",)") + 9;
  return whole.substr(from, whole.size() - from - 2);
}

}  // namespace

TEST_CASE("a reject line has its members in their order and ends in a newline") {
  CHECK(text(sample()) ==
        R"({"file":"users.ndjson","line":7,"offset":1234,"stage":"api","code":"invalid_parameter",)"
        R"("message":"The provided uid parameter can not be empty","batch":12,"job":"am9i==",)"
        R"("record":{"uid":""}})"
        "\n");
}

TEST_CASE("a reject of a local rule has neither batch nor job") {
  RejectLine line = sample();
  line.stage = Stage::local;
  line.batch = 0;
  line.job = {};
  line.message = "a \"quote\"\n";
  CHECK(text(line) ==
        R"({"file":"users.ndjson","line":7,"offset":1234,"stage":"local","code":"invalid_parameter",)"
        R"("message":"a \"quote\"\u000a","batch":null,"job":null,"record":{"uid":""}})"
        "\n");
  line.stage = Stage::unknown;
  CHECK(text(line).find(R"("stage":"unknown")") != std::string::npos);
}

TEST_CASE("a record that is JSON stands as it is, byte for byte") {
  CHECK(shown(R"({ "a" : 1.50, "a":2, "z":"\u00e9" })") == R"("record":{ "a" : 1.50, "a":2, "z":"\u00e9" })");
  CHECK(shown("[1,2]") == R"("record":[1,2])");
  CHECK(shown("null") == R"("record":null)");
}

TEST_CASE("line breaks between the tokens of a record become blanks") {
  CHECK(shown("{\r\n\t\"a\":\n1}") == "\"record\":{  \t\"a\": 1}");
}

TEST_CASE("a record that is not JSON is kept as a string") {
  CHECK(shown(R"({"uid":)") == R"("raw":"{\"uid\":")");
  CHECK(shown("") == R"("raw":"")");
  CHECK(shown(R"({"a":1} {"b":2})") == R"("raw":"{\"a\":1} {\"b\":2}")");
  CHECK(shown(R"({"a":1e999})") == R"("raw":"{\"a\":1e999}")");
  CHECK(shown("\xEF\xBB\xBF{}") == "\"raw\":\"\xEF\xBB\xBF{}\"");
  CHECK(shown(std::string(2000, '[')).starts_with(R"("raw":"[[[)"));
}

TEST_CASE("bytes that are not UTF-8 stand exactly beside the text that replaces them") {
  CHECK(shown("{\"a\":\"\xFF\"}") ==
        "\"raw\":\"{\\\"a\\\":\\\"\xEF\xBF\xBD\\\"}\",\"raw_base64\":\"eyJhIjoi/yJ9\"");
  CHECK(shown("\xC3") == "\"raw\":\"\xEF\xBF\xBD\",\"raw_base64\":\"ww==\"");
}

TEST_CASE("lines of any size follow each other without a trace of the one before") {
  const std::string large = "\"" + std::string((4 << 20) - 2, 'x') + "\"";
  CHECK(shown(large) == "\"record\":" + large);
  CHECK(shown(large + " ").starts_with("\"raw\":"));
  CHECK(shown("1") == R"("record":1)");
}

}  // namespace usherd
