#include "src/app/plain_answer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <tuple>

namespace {

using usherd::PlainAnswer;

const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\nb\r\nhello world\r\n0\r\n\r\n";
const std::string kSized = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";

TEST_CASE("an answer reads the same in whatever pieces it comes") {
  for (const auto& [text, status, body] : {std::tuple{kChunked, 200U, std::string("onehello world")},
                                           std::tuple{kSized, 404U, std::string("gone")}}) {
    for (std::size_t size = 1; size <= text.size(); ++size) {
      PlainAnswer answer;
      std::string read;
      for (std::size_t i = 0; i < text.size(); i += size) {
        REQUIRE(answer.put(std::string_view(text).substr(i, size)));
        read += answer.take();
      }
      CHECK(answer.is_whole());
      CHECK(answer.status() == status);
      CHECK(read == body);
    }
  }
}

TEST_CASE("an answer that was broken off is never whole") {
  for (const auto& text : {kChunked, kSized}) {
    // The last line of a chunked answer is only its seal.
    const auto needed = text == kChunked ? text.size() - 3 : text.size();
    for (std::size_t size = 0; size < needed; ++size) {
      CAPTURE(size);
      PlainAnswer answer;
      REQUIRE(answer.put(std::string_view(text).substr(0, size)));
      CHECK_FALSE(answer.is_whole());
    }
  }
}

TEST_CASE("what is no answer of ours is refused and not collected for ever") {
  for (const auto* text :
       {"SSH-2.0-OpenSSH\r\n\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"}) {
    CAPTURE(text);
    PlainAnswer answer;
    CHECK_FALSE(answer.put(text));
  }
  PlainAnswer endless;
  CHECK_FALSE(endless.put(std::string(100'000, 'x')));
}

}  // namespace
