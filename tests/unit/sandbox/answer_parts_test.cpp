#include "src/sandbox/access.hpp"
#include "src/sandbox/json_fields.hpp"
#include "src/sandbox/page_token.hpp"
#include "src/sandbox/route.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

TEST_CASE("a page token comes back as it was, and must be encoded in a query") {
  PageToken token;
  token.list = 123;
  token.offset = 4567890;
  token.issued = WallTime(std::chrono::milliseconds(1'700'000'000'123));
  const std::string text = encode(token);
  for (const char symbol : {'=', '+', '/'})
    CHECK(text.find(symbol) != std::string::npos);
  const auto again = decode_page_token(text);
  REQUIRE(again.has_value());
  CHECK(again->list == token.list);
  CHECK(again->offset == token.offset);
  CHECK(again->issued == token.issued);
}

TEST_CASE("what is no page token is refused") {
  PageToken token;
  const std::string good = encode(token);
  for (const std::string& text :
       {std::string(), std::string("x"), good.substr(1), good + "x", "pg/" + good, std::string("pg/+A=="),
        std::string("pg/YYY+A=="), std::string(1000, 'Q')}) {
    CAPTURE(text);
    CHECK_FALSE(decode_page_token(text).has_value());
  }
}

TEST_CASE("a token whose plus was read as a space is refused") {
  std::string text = encode(PageToken());
  std::replace(text.begin(), text.end(), '+', ' ');
  CHECK_FALSE(decode_page_token(text).has_value());
}

TEST_CASE("the quirks change an answer's form and not its content") {
  Random random(1);
  const auto made = [&](const Quirks& quirks) {
    JsonFields fields(quirks, random);
    return fields.number("errors", 0).text("id", "a\"b").json("results", "[]").nothing("schema").str();
  };
  Quirks quirks;
  CHECK(made(quirks) == R"({"errors":0,"id":"a\"b","results":[]})");
  quirks.omit_defaults = true;
  CHECK(made(quirks) == R"({"id":"a\"b"})");
  quirks.explicit_nulls = true;
  CHECK(made(quirks) == R"({"id":"a\"b","schema":null})");
  quirks = Quirks();
  quirks.extra_fields = true;
  CHECK(made(quirks).find("x_unknown") != std::string::npos);
}

TEST_CASE("shuffled fields come in more than one order") {
  Random random(1);
  Quirks quirks;
  quirks.shuffle_fields = true;
  const auto made = [&] {
    return JsonFields(quirks, random).number("a", 1).number("b", 2).number("c", 3).str();
  };
  const std::string first = made();
  bool differs = false;
  for (int i = 0; i < 20; ++i)
    differs = differs || made() != first;
  CHECK(differs);
}

TEST_CASE("each path and method is one call") {
  struct Row {
    std::string_view method;
    std::string_view target;
    Call call;
    std::string_view id;
  };
  constexpr std::array kRows = std::to_array<Row>({
      {"POST", "/v2/users/batch", Call::create, ""},
      {"GET", "/v2/users/batch", Call::other, ""},
      {"GET", "/v2/users/batch/a%2Fb%3D", Call::status, "a/b="},
      {"GET", "/v2/users/batch/a/b=", Call::other, "a"},
      {"GET", "/v2/users/batch/a=/imports?page_token=x", Call::imports, "a="},
      {"GET", "/v2/users/batch/a=/errors", Call::errors, "a="},
      {"POST", "/v2/users/batch/a=/errors", Call::other, "a="},
      {"GET", "/me", Call::me, ""},
      {"POST", "/me", Call::other, ""},
      {"POST", "/v2/users", Call::user_create, ""},
      {"POST", "/v2/users/7", Call::user_update, "7"},
      {"GET", "/v2/users/7", Call::user_get, "7"},
      {"GET", "/v2/users?uid=x", Call::user_list, ""},
      {"DELETE", "/v2/users/7", Call::user_delete, "7"},
      {"DELETE", "/v2/users?uid=x", Call::user_delete, ""},
      {"GET", "/v2beta/users/7", Call::other, ""},
      {"GET", "", Call::other, ""},
  });
  for (const Row& row : kRows) {
    CAPTURE(row.target);
    const Route route = route_of(row.method, parse_target(row.target));
    CHECK(route.call == row.call);
    if (route.call != Call::other)
      CHECK(route.id == row.id);
  }
}

TEST_CASE("query parameters are decoded, broken escapes are left alone") {
  const Target target = parse_target("/x?page_token=pg%2F%2BA%3D%3D&q=a+b&broken=%zz%4&empty=");
  CHECK(target.parameter("page_token") == "pg/+A==");
  CHECK(target.parameter("q") == "a b");
  CHECK(target.parameter("broken") == "%zz%4");
  CHECK(target.parameter("empty") == "");
  CHECK_FALSE(target.parameter("absent"));
}

TEST_CASE("only the verbatim key of the host's region is let in") {
  const Access access("na1.abc/DEF");
  struct Row {
    std::string_view header;
    bool allowed;
  };
  constexpr std::array kRows = std::to_array<Row>({{"Basic na1.abc/DEF", true},
                                                   {"", false},
                                                   {"Basic ", false},
                                                   {"na1.abc/DEF", false},
                                                   {"Bearer na1.abc/DEF", false},
                                                   {"Basic bmExLmFiYy9ERUY=", false},
                                                   {"Basic na1.abc/DEF ", false},
                                                   {"Basic na1.abc/DEG", false}});
  for (const Row& row : kRows) {
    CAPTURE(row.header);
    CHECK(access.allows(row.header, Region::any) == row.allowed);
  }
  CHECK(access.allows("Basic na1.abc/DEF", Region::na1));
  CHECK_FALSE(access.allows("Basic na1.abc/DEF", Region::eu1));
  CHECK_FALSE(Access("eu1.k").allows("Basic eu1.k", Region::na1));
  CHECK(Access("old").allows("Basic old", Region::na1));
}

TEST_CASE("a revoked key is refused until another is accepted") {
  Access access("one");
  access.revoke();
  CHECK_FALSE(access.allows("Basic one", Region::any));
  access.accept("two");
  CHECK_FALSE(access.allows("Basic one", Region::any));
  CHECK(access.allows("Basic two", Region::any));
}
