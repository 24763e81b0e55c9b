#include "usherd/core/timestamp.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using usherd::format_rfc3339;
using usherd::parse_http_date;
using usherd::parse_rfc3339;
using usherd::WallTime;

namespace {

WallTime at(std::int64_t milliseconds) {
  return WallTime{std::chrono::milliseconds{milliseconds}};
}

struct Row {
  std::string text;
  std::int64_t milliseconds;
};

}  // namespace

TEST_CASE("a time is written in UTC with milliseconds") {
  CHECK(format_rfc3339(at(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(at(1'795'484'880'123)) == "2026-11-24T01:48:00.123Z");
  CHECK(format_rfc3339(at(951'782'400'000)) == "2000-02-29T00:00:00.000Z");
  CHECK(format_rfc3339(at(-1)) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("what is written can be read") {
  for (const std::int64_t milliseconds : {0LL, 1LL, -1LL, 1'795'484'880'123LL, 4'102'444'799'999LL})
    CHECK(parse_rfc3339(format_rfc3339(at(milliseconds))) == at(milliseconds));
}

TEST_CASE("RFC 3339 is read with any fraction and any offset") {
  const Row rows[] = {{"2017-01-15T01:30:15Z", 1'484'443'815'000},
                      {"2017-01-15T01:30:15.01Z", 1'484'443'815'010},
                      {"2017-01-15T01:30:15.012Z", 1'484'443'815'012},
                      {"2017-01-15T01:30:15.012999999999Z", 1'484'443'815'012},
                      {"2017-01-15t01:30:15z", 1'484'443'815'000},
                      {"2017-01-15 01:30:15Z", 1'484'443'815'000},
                      {"2017-01-15T03:30:15+02:00", 1'484'443'815'000},
                      {"2017-01-14T20:00:15-05:30", 1'484'443'815'000},
                      {"2016-12-31T23:59:60Z", 1'483'228'800'000}};
  for (const auto& [text, milliseconds] : rows) {
    CAPTURE(text);
    CHECK(parse_rfc3339(text) == at(milliseconds));
  }
}

TEST_CASE("what is not RFC 3339 is not guessed at") {
  for (const std::string text :
       {"", "2017-01-15", "2017-01-15T01:30:15", "2017-01-15T01:30Z", "2017-02-29T00:00:00Z",
        "2017-13-01T00:00:00Z", "2017-00-01T00:00:00Z", "2017-01-15T24:00:00Z", "2017-01-15T00:60:00Z",
        "2017-01-15T00:00:61Z", "2017-01-15T00:00:00.Z", "2017-01-15T00:00:00+0200",
        "2017-01-15T00:00:00+24:00", "2017-01-15T00:00:00+00:60", "2017-01-15T00:00:00Zx",
        "-017-01-15T00:00:00Z", "2017-01-15T-1:00:00Z", "2017-01-15x00:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}

TEST_CASE("HTTP dates are read") {
  const Row rows[] = {{"Sun, 06 Nov 1994 08:49:37 GMT", 784'111'777'000},
                      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
                      {"Tue, 29 Feb 2000 12:00:00 GMT", 951'825'600'000},
                      {"Sunday, 06-Nov-94 08:49:37 GMT", 784'111'777'000},
                      {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
                      {"Thursday, 26-Nov-26 07:00:00 GMT", 1'795'676'400'000},
                      {"Sun Nov  6 08:49:37 1994", 784'111'777'000},
                      {"Tue Feb 29 12:00:00 2000", 951'825'600'000}};
  for (const auto& [text, milliseconds] : rows) {
    CAPTURE(text);
    CHECK(parse_http_date(text) == at(milliseconds));
  }
}

TEST_CASE("what is not an HTTP date is not guessed at") {
  for (const std::string text : {"",
                                 "120",
                                 "Sun, 06 Nov 1994 08:49:37",
                                 "Sun, 06 Nov 1994 08:49:37 UTC",
                                 "Sun, 06 nov 1994 08:49:37 GMT",
                                 "Sun, 6 Nov 1994 08:49:37 GMT",
                                 "Sun, 31 Feb 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 25:49:37 GMT",
                                 "Sun, 06 Nov 1994 08:49:37 GMT ",
                                 "Sun,-06 Nov 1994 08:49:37 GMT",
                                 "Sunday, 06-Nov-94 08:49:37",
                                 "Sunday, 06-Nov-1994 08:49:37 GMT",
                                 "Sunday, 6-Nov-94 08:49:37 GMT",
                                 ", 31-Feb-94 08:49:37 GMT",
                                 "Sun Nov 6 08:49:37 1994",
                                 "Sun Nov  6 08:49:37 1994 GMT",
                                 "Sun Nov   6 08:49:37 1994",
                                 "Sun Nov 31 08:49:37 1994",
                                 ",",
                                 "Sun"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text).has_value());
  }
}
