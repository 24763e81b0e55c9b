#include "usherd/submit/api_answer.hpp"
#include "usherd/submit/api_json.hpp"

#include "usherd/core/text.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace usherd;

TEST_CASE("Half a character and raw control characters in a string are mended, and nothing else") {
  struct Row {
    std::string text;
    std::string mended;
  };
  const Row rows[] = {
      {R"("a\ud83d")", "\"a\xFF\""},
      {R"("a\udE00b")",
       "\"a\xFF"
       "b\""},
      {R"("\ud83d\ud83d\ude00")", "\"\xFF\\ud83d\\ude00\""},
      {R"("\uD83Dx\ude00")", "\"\xFFx\xFF\""},
      {R"("\\ud83d\ud83d")", "\"\\\\ud83d\xFF\""},
      {R"("\"\ud83d\"")", "\"\\\"\xFF\\\"\""},
      {R"({"\udfff":["\udbff"]})", "{\"\xFF\":[\"\xFF\"]}"},
      {"\"a\tb\nc\x01\"", R"("a\u0009b\u000ac\u0001")"},
      {std::string("\"\0\"", 3), R"("\u0000")"},
      {"{\n\t\"a\":\"\t\"\r\n}", "{\n\t\"a\":\"\\u0009\"\r\n}"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK_FALSE(parse_json(row.text, 100, 8));
    const auto mended = mended_json(row.text, 100);
    REQUIRE(mended);
    CHECK(*mended == row.mended);
    CHECK(parse_json(*mended, 100, 8));
  }
}

TEST_CASE("An exponent past 32 bits is cut to one that gives the same number") {
  struct Row {
    std::string text;
    double number;
  };
  const auto infinite = std::numeric_limits<double>::infinity();
  const Row rows[] = {
      {"1e-9999999999", 0},
      {"1E-2147483648", 0},
      {"-1.5e-" + std::string(1000, '9'), 0},
      {"1e-000" + std::string(20, '7'), 0},
      {"1e+99999999999", infinite},
      {"1e99999999999", infinite},
      {"0.0001e-2147483647", 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto text = "{\"1e-9999999999\":[true,1e-2," + row.text + ",\"1e-9999999999\"]}";
    CHECK_FALSE(parse_json(text, 2000, 8));
    const auto value = parse_mended_json(text, 2000, 8);
    REQUIRE(value);
    const auto& list = value->at("1e-9999999999").as_array();
    CHECK(list[1].to_number<double>() == doctest::Approx(0.01));
    CHECK(list[2].to_number<double>() == row.number);
    CHECK(list[3].as_string() == "1e-9999999999");
  }
  CHECK(parse_mended_json("[0e2147483648,0.0e-99999999999]", 100, 8));
}

TEST_CASE("What holds nothing to mend is left alone, and what grows too long is not made") {
  for (const auto* text :
       {"", "{}", R"("\ud83d\ude00")", R"("\u00e9\n\\ud83d")", "<a href=\"b\">\n\t</a>", "\"", R"("\)",
        R"("\u)", R"("\ud8)", R"("\ud83g")", R"(\ud83d)", "\"\x7F\xFF\"", "e99999999999", "[e,1e]",
        "1e-00000000000000000001", "[true99999999999]", "1e999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(mended_json(text, 100));
  }
  CHECK(mended_json("\"\t\"", 8));
  CHECK_FALSE(mended_json("\"\t\"", 7));
}

TEST_CASE("An answer with half a character or a raw control character is the API's all the same") {
  const auto error = parse_api_error("{\"message\":\"uid x\\ud83d\tis bad\",\"code\":\"invalid_parameter\"}");
  REQUIRE(error);
  CHECK(error->code == "invalid_parameter");
  CHECK(error->message == "uid x\xFF\tis bad");
  std::string shown;
  append_json_string(shown, error->message);
  CHECK(shown == "\"uid x\xEF\xBF\xBD\\u0009is bad\"");
  CHECK(parse_job_answer("{\"job\":{\"id\":\"j\",\"status\":\"COMPLETED\",\"note\":\"\n\"}}")->status ==
        JobStatus::completed);
  CHECK(parse_me(R"({"orgId":"o","email":"\udc00"})")->org_id == "o");
  // What goes into requests, or tells whose work this is, is never guessed.
  for (const auto* body : {R"({"job":{"id":"j\ud83d"}})", "{\"id\":\"j\t\"}"})
    CHECK(parse_job_answer(body).has_error());
  CHECK(parse_me(R"({"orgId":"o\ud83d"})").has_error());
}
