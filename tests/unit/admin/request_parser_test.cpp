#include "src/admin/request_parser.hpp"

#include "src/admin/reply_head.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using usherd::AdminMethod;
using usherd::RequestParser;
using State = RequestParser::State;

State parse(const std::string& text, RequestParser& parser) {
  return parser.put(text);
}

State parse(const std::string& text) {
  RequestParser parser;
  return parser.put(text);
}

TEST_CASE("a request is read with path, query, body and host") {
  RequestParser parser;
  REQUIRE(
      parse("POST /api/x%20y?name=a%26b&empty&plus=1+2 HTTP/1.1\r\nHost: me\r\nContent-Length: 3\r\n\r\nabc",
            parser) == State::done);
  CHECK(parser.host() == "me");
  const auto request = parser.take();
  CHECK(request.method == AdminMethod::post);
  CHECK(request.path == "/api/x y");
  CHECK(request.value("name") == "a&b");
  CHECK(request.value("plus") == "1 2");
  CHECK(request.has("empty"));
  CHECK_FALSE(request.has("absent"));
  CHECK(request.body == "abc");
}

TEST_CASE("a request that comes byte by byte is the same request") {
  const std::string text = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  RequestParser parser;
  for (std::size_t i = 0; i + 1 < text.size(); ++i)
    REQUIRE(parser.put(text.substr(i, 1)) == State::more);
  CHECK(parser.put(text.substr(text.size() - 1)) == State::done);
  CHECK(parser.take().path == "/metrics");
}

TEST_CASE("what is no request is refused, and says why") {
  CHECK(parse("\x16\x03\x01 hello") == State::bad);
  CHECK(parse("GET no-slash HTTP/1.1\r\n\r\n") == State::bad);
  CHECK(parse("GET /%zz HTTP/1.1\r\n\r\n") == State::bad);
  CHECK(parse("GET /%00 HTTP/1.1\r\n\r\n") == State::bad);
  CHECK(parse("GET /%4 HTTP/1.1\r\n\r\n") == State::bad);
  CHECK(parse("GET /?a=1&a=2 HTTP/1.1\r\n\r\n") == State::bad);
  CHECK(parse("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n") == State::bad);
  CHECK(parse("GET / HTTP/1.1\r\nhost: localhost\r\nX: y\r\nHOST: localhost\r\n\r\n") == State::bad);
  CHECK(parse("DELETE / HTTP/1.1\r\n\r\n") == State::unknown);
}

TEST_CASE("headers and bodies without end are cut off at the limit") {
  RequestParser header;
  auto state = header.put("GET / HTTP/1.1\r\n");
  std::size_t sent = 0;
  for (; state == State::more && sent < (1U << 20); sent += 1000)
    state = header.put("X-" + std::to_string(sent) + ": " + std::string(990, 'x') + "\r\n");
  CHECK(state == State::head_too_large);
  const auto refusal = usherd::refusal_of(state);
  CHECK(refusal.status == 431);
  CHECK(refusal.body.find("the head of the request is too large: 16 KiB at most") != std::string::npos);
  CHECK(usherd::reply_head(refusal).starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  CHECK(sent < 64U * 1024);

  RequestParser line;
  state = State::more;
  sent = 0;
  for (; state == State::more && sent < (1U << 20); sent += 1000)
    state = line.put(std::string(1000, 'x'));
  CHECK(state != State::more);
  CHECK(sent < 64U * 1024);

  CHECK(parse("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n") == State::too_large);
  RequestParser chunked;
  state = chunked.put("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  sent = 0;
  for (; state == State::more && sent < (8U << 20); sent += 4096)
    state = chunked.put("1000\r\n" + std::string(4096, 'x') + "\r\n");
  CHECK(state == State::too_large);
  CHECK(sent <= RequestParser::kMostBody + 8192);
}

}  // namespace
