#include "src/adapters/answer_parser.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using usherd::AnswerParser;
using usherd::Exchange;
using usherd::Result;

namespace {

constexpr std::string_view kPlain =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: application/json\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n";
constexpr std::string_view kUntilClose = "HTTP/1.0 200 OK\r\n\r\nhello";
constexpr std::string_view kWithoutReason =
    "HTTP/1.1 100\r\n\r\nHTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kInterim =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

Result<void> feed_in(AnswerParser& parser, std::string_view bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    Result<void> fed = parser.feed(bytes.substr(at, step));
    if (!fed) {
      return fed;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("An answer is the same however its bytes are cut") {
  struct Row {
    std::string_view bytes;
    unsigned status;
    bool until_close;
  };
  const Row rows[] = {{kPlain, 429, false},
                      {kChunked, 200, false},
                      {kUntilClose, 200, true},
                      {kInterim, 200, false},
                      {kWithoutReason, 200, false}};
  for (const Row& row : rows) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{10000}}) {
      CAPTURE(row.bytes);
      CAPTURE(step);
      AnswerParser parser(100);
      REQUIRE(feed_in(parser, row.bytes, step).has_value());
      CHECK(parser.done() != row.until_close);
      REQUIRE(parser.finish().has_value());
      CHECK(parser.done());
      CHECK(parser.keeps_connection() != row.until_close);
      Exchange exchange;
      parser.move_to(exchange);
      CHECK(exchange.status == row.status);
      CHECK(exchange.body == "hello");
    }
  }
}

TEST_CASE("The header values a caller needs come as they were sent, cut to 256 bytes") {
  AnswerParser parser(100);
  REQUIRE(parser.feed(kPlain).has_value());
  Exchange exchange;
  parser.move_to(exchange);
  CHECK(exchange.retry_after == "7");
  CHECK(exchange.date == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(exchange.content_type == "application/json");

  AnswerParser wide(100);
  const std::string value(1000, 'v');
  REQUIRE(
      wide.feed("HTTP/1.1 200 OK\r\nRetry-After: " + value + "\r\nContent-Length: 0\r\n\r\n").has_value());
  wide.move_to(exchange);
  CHECK(exchange.retry_after == value.substr(0, 256));
}

TEST_CASE("An answer cut short is a failure wherever it is cut") {
  for (const std::string_view bytes : {kPlain, kChunked, kInterim}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(bytes);
      CAPTURE(size);
      AnswerParser parser(100);
      REQUIRE(parser.feed(bytes.substr(0, size)).has_value());
      CHECK_FALSE(parser.done());
      const Result<void> finished = parser.finish();
      REQUIRE_FALSE(finished.has_value());
      CHECK(finished.error().code == usherd::Errc::unavailable);
    }
  }
}

TEST_CASE("Limits hold for header, body and endless lines") {
  const std::string big(20000, 'x');
  struct Row {
    std::string bytes;
    const char* message;
    usherd::Errc code = usherd::Errc::too_large;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "answer larger than 100 bytes"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", "answer larger than 100 bytes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + big.substr(0, 101),
       "answer larger than 100 bytes"},
      {"HTTP/1.1 200 OK\r\n\r\n" + big.substr(0, 101), "answer larger than 100 bytes"},
      {"HTTP/1.1 200 OK\r\nA: " + big + "\r\n\r\n", "answer header larger than 16384 bytes",
       usherd::Errc::invalid},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + big + big, "the answer is not HTTP",
       usherd::Errc::invalid},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes.substr(0, 60));
    AnswerParser parser(100);
    const Result<void> fed = feed_in(parser, row.bytes, 1000);
    REQUIRE_FALSE(fed.has_value());
    CHECK(fed.error().code == row.code);
    CHECK(fed.error().message.find(row.message) == 0);
  }
}

TEST_CASE("What is not HTTP is refused at once") {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01\x00\x02\x02\x16", "<html>hello</html>\r\n\r\n",
        "HTTP/2 200\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    CAPTURE(bytes);
    AnswerParser parser(100);
    const Result<void> fed = parser.feed(bytes);
    REQUIRE_FALSE(fed.has_value());
    CHECK(fed.error().code == usherd::Errc::invalid);
  }
}

TEST_CASE("Interim answers do not count as a started answer, and do not go on for ever") {
  AnswerParser parser(100);
  CHECK_FALSE(parser.started());
  REQUIRE(parser.feed("HTTP/1.1 100 Continue\r\n\r\n").has_value());
  CHECK_FALSE(parser.started());
  REQUIRE(parser.feed("H").has_value());
  CHECK(parser.started());

  // One that comes in parts is no final one either.
  AnswerParser halves(100);
  for (const char* part : {"HTTP/1.1 ", "10", "2 Processing\r\n", "\r\n", "HTTP/1.1 "}) {
    REQUIRE(halves.feed(part).has_value());
    CHECK_FALSE(halves.is_final());
  }
  REQUIRE(halves.feed("2").has_value());
  CHECK(halves.is_final());
  REQUIRE(halves.feed("00 OK\r\nContent-Length: 1\r\n\r\n").has_value());
  CHECK(halves.is_final());

  AnswerParser flooded(100);
  Result<void> fed;
  for (int i = 0; i < 100 && fed; ++i) {
    fed = flooded.feed("HTTP/1.1 102 Processing\r\n\r\n");
  }
  CHECK_FALSE(fed.has_value());
}

TEST_CASE("A connection is not kept when the answer says so, or when more came than was asked for") {
  struct Row {
    const char* bytes;
    bool keeps;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n", false},
      {"HTTP/1.1 204 No Content\r\n\r\n", true},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    AnswerParser parser(100);
    REQUIRE(parser.feed(row.bytes).has_value());
    CHECK(parser.done());
    CHECK(parser.keeps_connection() == row.keeps);
  }
}

TEST_CASE("The answer to CONNECT ends with its header") {
  AnswerParser parser = AnswerParser::header_only();
  REQUIRE(parser.feed("HTTP/1.1 200 Connection established\r\n\r\n").has_value());
  CHECK(parser.done());
  CHECK(parser.status() == 200);
  CHECK(parser.keeps_connection());
}
