#include "usherd/submit/api_answer.hpp"

#include "usherd/core/timestamp.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace usherd;
using namespace std::chrono_literals;

TEST_CASE("a job is read whether it is nested or not, whatever is missing, null or a string") {
  struct Row {
    const char* what;
    std::string body;
    std::string id;
    JobStatus status;
    bool known;
    std::optional<std::uint64_t> imports;
    std::uint64_t errors;
  };
  const std::vector<Row> rows{
      {"the documented answer",
       R"({"imports":42,"errors":2,"job":{"id":"abd123=","status":"FAILED","created":"2017-01-15T01:30:15.01Z"}})",
       "abd123=", JobStatus::failed, true, 42, 2},
      {"a job without counts",
       R"({"job":{"id":"a","status":"PROCESSING"}})",
       "a",
       JobStatus::processing,
       true,
       {},
       0},
      {"a status beside the job", R"({"job":{"id":"a"},"status":"COMPLETED","imports":1})", "a",
       JobStatus::completed, true, 1, 0},
      {"a flat job", R"({"id":"a","status":"COMPLETED","imports":"7","errors":"0"})", "a",
       JobStatus::completed, true, 7, 0},
      {"counts inside the job", R"({"job":{"id":"a","status":"COMPLETED","imports":3,"errors":1}})", "a",
       JobStatus::completed, true, 3, 1},
      {"nulls",
       R"({"job":{"id":"a","status":null,"finished":null},"imports":null,"errors":null})",
       "a",
       JobStatus::processing,
       false,
       {},
       0},
      {"a new word", R"({"job":{"id":"a","status":"QUEUED"}})", "a", JobStatus::processing, false, {}, 0},
      {"a status that is no text",
       R"({"job":{"id":"a","status":3}})",
       "a",
       JobStatus::processing,
       false,
       {},
       0},
      {"unknown members",
       R"({"x":[{"y":1}],"job":{"z":{},"id":"a","status":"FAILED"},"errors":5})",
       "a",
       JobStatus::failed,
       true,
       {},
       5},
      {"an id that is a number",
       R"({"job":{"id":6388424976856404220,"status":"FAILED"}})",
       "6388424976856404220",
       JobStatus::failed,
       true,
       {},
       0},
      {"a whole double", R"({"job":{"id":"a","status":"COMPLETED"},"imports":1e3,"errors":0.0})", "a",
       JobStatus::completed, true, 1000, 0},
      {"an empty object", "{}", "", JobStatus::processing, false, {}, 0},
      {"a job that is a list",
       R"({"job":[1,2],"status":"COMPLETED"})",
       "",
       JobStatus::completed,
       true,
       {},
       0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const auto answer = parse_job_answer(row.body);
    REQUIRE(answer.has_value());
    CHECK(answer->id == row.id);
    CHECK(answer->status == row.status);
    CHECK(answer->status_known == row.known);
    CHECK(answer->imports_given == row.imports.has_value());
    CHECK(answer->imports == row.imports.value_or(0));
    CHECK(answer->errors == row.errors);
  }
}

TEST_CASE("ids beyond 64 bits that came as numbers keep every digit, also in an answer that is mended") {
  const std::string id = "19000000000000000001234";
  for (const auto& body : {R"({"job":{"id":)" + id + "}}", R"({"id":)" + id + "}",
                           R"({"x":"\ud83d","job":{"id":)" + id + "}}"}) {
    CAPTURE(body);
    const auto job = parse_created_job(body);
    REQUIRE(job.has_value());
    CHECK(job->id == id);
  }
  const auto me = parse_me(R"({"orgId":)" + id + "}");
  REQUIRE(me.has_value());
  CHECK(me->org_id == id);
}

TEST_CASE("an errors count that cannot be read is never taken for none") {
  for (const auto* errors :
       {"-1", "1.5", "1e300", "\"many\"", "\"\"", "[]", "{}", "true", "123456789012345678901234"}) {
    CAPTURE(errors);
    const auto answer = parse_job_answer(R"({"job":{"id":"a","status":"COMPLETED"},"imports":5,"errors":)" +
                                         std::string(errors) + "}");
    REQUIRE(answer.has_value());
    CHECK(answer->errors == kUnreadableCount);
  }
  CHECK_FALSE(parse_job_answer(R"({"imports":-4})")->imports_given);
}

TEST_CASE("times of a job are read when they are times") {
  const auto answer = parse_job_answer(
      R"({"job":{"id":"a","status":"COMPLETED","created":"2017-01-15T01:30:15.01Z","finished":"2017-01-15T01:30:16.250Z"}})");
  REQUIRE(answer->created.has_value());
  REQUIRE(answer->finished.has_value());
  CHECK(*answer->finished - *answer->created == 1240ms);
  const auto other = parse_job_answer(R"({"job":{"id":"a","created":"yesterday","finished":12}})");
  CHECK_FALSE(other->created.has_value());
  CHECK_FALSE(other->finished.has_value());
}

TEST_CASE("an answer that is not the API's is an error, and so is an id that cannot be kept") {
  const std::string deep = R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  const std::string large = R"({"x":")" + std::string(2 << 20, 'x') + R"("})";
  const std::vector<std::string> bodies{"",
                                        "<html>502</html>",
                                        "[]",
                                        "null",
                                        "\"text\"",
                                        R"({"job":{"id":"a")",
                                        R"({"job":{}} trailing)",
                                        deep,
                                        large,
                                        R"({"job":{"id":"a\nb"}})",
                                        R"({"job":{"id":"a\u0000b"}})",
                                        R"({"job":{"id":")" + std::string(1025, 'x') + R"("}})"};
  for (const auto& body : bodies) {
    CAPTURE(body.substr(0, 40));
    const auto answer = parse_job_answer(body);
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == Errc::invalid);
  }
  const auto longest = parse_job_answer(R"({"job":{"id":")" + std::string(1024, 'x') + R"("}})");
  REQUIRE(longest.has_value());
  CHECK(longest->id.size() == 1024);
}

TEST_CASE("a created job must have an id") {
  CHECK(parse_created_job(R"({"job":{"id":"a","status":"PROCESSING"}})")->id == "a");
  for (const auto* body : {"{}", R"({"job":null})", R"({"job":{"id":""}})", R"({"job":{"id":true}})", "x"}) {
    CAPTURE(body);
    CHECK(parse_created_job(body).has_error());
  }
}

TEST_CASE("only the API's own error body is taken for a word of the API's") {
  const auto both = parse_api_error(R"({"message":"uid is required","code":"required_field","more":1})");
  REQUIRE(both.has_value());
  CHECK(both->code == "required_field");
  CHECK(both->message == "uid is required");
  CHECK(parse_api_error(R"({"code":"forbidden","message":null})")->code == "forbidden");
  CHECK(parse_api_error(R"({"message":"no"})")->message == "no");
  for (const auto* body : {"", "<html>", "{}", "[]", R"({"code":5})", R"({"error":{"code":"x"}})",
                           R"("code")", "nul", R"({"code":"x")"}) {
    CAPTURE(body);
    CHECK_FALSE(parse_api_error(body).has_value());
  }
}

TEST_CASE("codes and messages of the API are cut, between characters") {
  const auto error = parse_api_error(R"({"code":")" + std::string(127, 'c') + "\xC3\xA9" +
                                     R"(x","message":")" + std::string(5000, 'm') + R"("})");
  REQUIRE(error.has_value());
  CHECK(error->code == std::string(127, 'c'));
  CHECK(error->message == std::string(1024, 'm'));
}

TEST_CASE("a code in a log holds nothing that a log or a label minds") {
  CHECK(log_code("required_field") == "required_field");
  CHECK(log_code("Too.Many-1") == "too.many-1");
  CHECK(log_code("a\n\"b\x1b[31m\xC3\xA9") == "ab31m");
  CHECK(log_code("") == "other");
  CHECK(log_code("\n {}") == "other");
  CHECK(log_code(std::string(500, 'a')).size() == 64);
}

TEST_CASE("whose key it is") {
  const auto me = parse_me(R"({"email":"a@b.c","orgId":"o-1ABC","role":"ADMIN"})");
  REQUIRE(me.has_value());
  CHECK(me->org_id == "o-1ABC");
  CHECK(me->role == "ADMIN");
  CHECK(parse_me(R"({"orgId":17})")->org_id == "17");
  CHECK(parse_me("{}")->org_id.empty());
  CHECK(parse_me("[]").has_error());
  CHECK(parse_me("not found").has_error());
  CHECK(parse_me(R"({"orgId":")" + std::string(300, 'o') + R"("})").has_error());
  CHECK(parse_me(R"({"orgId":"o\u001b"})").has_error());
}

TEST_CASE("what an unknown member holds hides no other, however deep it nests") {
  for (const auto* const piece : {"[", R"({"y":)"}) {
    const std::string open = piece;
    const std::string close = open == "[" ? "]" : "}";
    std::string deep = "1";
    for (int level = 0; level < 1000; ++level)
      deep = open + deep + close;
    const auto job = parse_created_job(R"({"x":)" + deep + R"(,"job":{"id":"a","status":"FAILED"}})");
    REQUIRE(job.has_value());
    CHECK(job->status == JobStatus::failed);
    const auto error = parse_api_error(R"({"code":"c","message":"m","details":)" + deep + "}");
    REQUIRE(error.has_value());
    CHECK(error->code == "c");
  }
  CHECK_FALSE(parse_job_answer(R"({"x":)" + std::string(100'000, '[')).has_value());
}

TEST_CASE("Retry-After is seconds or a date, and never longer than thirty days") {
  const auto now = *parse_rfc3339("2026-11-24T12:00:00Z");
  const auto* const ahead = "Tue, 24 Nov 2026 12:01:30 GMT";
  struct Row {
    std::string value;
    std::string date;
    std::optional<Milliseconds> wait;
  };
  const std::vector<Row> rows{
      {"0", "", 0ms},
      {"5", "", 5s},
      {"  7\t", "", 7s},
      {"1.5", "", 1500ms},
      {"0.0001", "", 1ms},
      {"2.000", "", 2s},
      {"86400", "", 24h},
      {"604800.5", "", 7 * 24h + 500ms},
      {"2592000", "", 30 * 24h},
      {"2592000.5", "", 30 * 24h},
      {"2592001", "", 30 * 24h},
      {"9223372036854775807", "", 30 * 24h},
      {"99999999999999999999999999", "", 30 * 24h},
      {ahead, "", 90s},
      {ahead, "garbage", 90s},
      {ahead, "Tue, 24 Nov 2026 12:01:00 GMT", 30s},
      {ahead, "Tue, 24 Nov 2026 12:02:00 GMT", 0s},
      {ahead, "Sat, 21 Nov 2026 12:01:30 GMT", 3 * 24h},
      {ahead, "Mon, 01 Jan 2024 00:00:00 GMT", 30 * 24h},
      {"Fri, 31 Dec 9999 23:59:59 GMT", "", 30 * 24h},
      {"3, 3", "", 3s},
      {" 3 ,soon", "", 3s},
      {ahead + std::string(", ") + ahead, "", 90s},
      {",3", "", {}},
      {"soon, 3", "", {}},
      {"-1", "", {}},
      {"+1", "", {}},
      {"", "", {}},
      {" ", "", {}},
      {"soon", "", {}},
      {"1e3", "", {}},
      {"5 seconds", "", {}},
      {".5", "", {}},
      {"5.", "", {}},
      {"1.5.2", "", {}},
      {"0x10", "", {}},
      {"NaN", "", {}},
      {"inf", "", {}},
      {"Tue, 31 Feb 2026 12:01:30 GMT", "", {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.value);
    CAPTURE(row.date);
    CHECK(parse_retry_after(row.value, row.date, now) == row.wait);
  }
}
