#include "src/settle/retry_note.hpp"

#include <doctest/doctest.h>

using namespace usherd;

TEST_CASE("a note tells what it was told, however many lines it has") {
  RetryNote note;
  note.retried_as = "retry-\"1\".ndjson";
  for (std::uint64_t line = 1; line <= 25'001; ++line)
    note.lines["a.ndjson"].push_back({line, line * 100, line + 1});
  note.lines["b \\ \".csv"].push_back({~std::uint64_t{0}, 0, 1});
  const auto read = RetryNote::decode(note.encode());
  REQUIRE(read.has_value());
  CHECK(read->retried_as == note.retried_as);
  REQUIRE(read->lines.size() == 2);
  const auto& many = read->lines.at("a.ndjson");
  REQUIRE(many.size() == 25'001);
  CHECK(many.back().line == 25'001);
  CHECK(many.back().offset == 2'500'100);
  CHECK(many.back().retried_line == 25'002);
  CHECK(read->lines.at("b \\ \".csv").at(0).line == ~std::uint64_t{0});
}

TEST_CASE("a note that is not all there, or not one, is none") {
  RetryNote note;
  note.retried_as = "retry-1.ndjson";
  note.lines["a.ndjson"] = {{1, 0, 1}, {2, 9, 2}};
  const auto whole = note.encode();
  // Its last newline says nothing.
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(RetryNote::decode(whole.substr(0, size)).has_value());
  }
  for (const auto* text : {R"({"retried_as":"../x","lines":0})", R"({"retried_as":"x","lines":1})",
                           "{\"retried_as\":\"x\",\"lines\":3}\n{\"file\":\"a/b\",\"lines\":[1,2,3]}",
                           "{\"retried_as\":\"x\",\"lines\":1}\n{\"file\":\"a\",\"lines\":[1,2,-3]}"}) {
    CAPTURE(text);
    CHECK(RetryNote::decode(text).error().code == Errc::corrupt);
  }
}
