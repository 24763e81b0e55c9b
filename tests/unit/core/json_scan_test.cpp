#include "usherd/core/json_scan.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace usherd::test {
namespace {

constexpr auto kOpen = std::string_view::npos;

TEST_CASE("a string ends behind its closing quote, which an escaped one is not") {
  CHECK(json_string_end(R"("")", 0) == 2);
  CHECK(json_string_end(R"(x"ab"c)", 1) == 5);
  CHECK(json_string_end(R"("a\"b")", 0) == 6);
  CHECK(json_string_end(R"("a\\"b)", 0) == 5);
  CHECK(json_string_end(R"("{[")", 0) == 4);
  for (const std::string_view open : {R"(")", R"("a)", R"("a\")", R"("\)"})
    CHECK(json_string_end(open, 0) == kOpen);
}

TEST_CASE("brackets end where as many were closed as opened, those in strings not counted") {
  CHECK(json_brackets_end("{}", 0) == 2);
  CHECK(json_brackets_end("x[[],{}]y", 1) == 8);
  CHECK(json_brackets_end(R"({"}":"]\"}"} {})", 0) == 12);
  for (const std::string_view open : {"{", "[[]", R"({"a":"}")", R"({"a)", ""})
    CHECK(json_brackets_end(open, 0) == kOpen);
}

}  // namespace
}  // namespace usherd::test
