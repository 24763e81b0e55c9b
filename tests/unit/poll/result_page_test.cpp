#include "usherd/poll/result_page.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace usherd;

TEST_CASE("a page of errors gives the user that each error names") {
  const auto page = parse_result_page(R"({"results":[
      {"message":"The uid can not be empty","code":"invalid_parameter","user":{"uid":"u\u00e91","properties":{"a":1}}},
      {"message":"m","code":"c","user":{"id":"6388424976856404220","uid":null}}],
      "total_records":"98","next_page_token":"asd543="})");
  REQUIRE(page.has_value());
  REQUIRE(page->items.size() == 2);
  CHECK(page->items[0].code == "invalid_parameter");
  CHECK(page->items[0].message == "The uid can not be empty");
  CHECK(page->items[0].uid ==
        "u\xC3\xA9"
        "1");
  CHECK_FALSE(page->items[0].id.has_value());
  CHECK(page->items[0].user_json ==
        "{\"uid\":\"u\xC3\xA9"
        "1\",\"properties\":{\"a\":1}}");
  CHECK_FALSE(page->items[1].uid.has_value());
  CHECK(page->items[1].id == "6388424976856404220");
  CHECK(page->next_page_token == "asd543=");
}

TEST_CASE("in a page of imports the item is the user") {
  const auto page = parse_result_page(
      R"({"results":[{"id":"5","uid":"u","email":"","properties":{},"schema":null,"type_conflicts":null}]})");
  REQUIRE(page.has_value());
  REQUIRE(page->items.size() == 1);
  CHECK(page->items[0].uid == "u");
  CHECK(page->items[0].id == "5");
  CHECK(page->items[0].code.empty());
  CHECK(page->next_page_token.empty());
}

TEST_CASE("ids that came as numbers keep every digit") {
  const auto page = parse_result_page(
      R"({"results":[{"id":6388424976856404220,"uid":18446744073709551615},{"id":-9007199254740993,"uid":17}]})");
  REQUIRE(page.has_value());
  CHECK(page->items[0].id == "6388424976856404220");
  CHECK(page->items[0].uid == "18446744073709551615");
  CHECK(page->items[1].id == "-9007199254740993");
  CHECK(page->items[1].uid == "17");
  const auto large = parse_result_page(R"({"results":[{"uid":184467440737095516160}]})");
  REQUIRE(large->items[0].uid.has_value());
  CHECK(*large->items[0].uid != "184467440737095516160");
}

TEST_CASE("everything in a page may be missing or null") {
  for (const auto* body : {"{}", R"({"results":null,"next_page_token":null})", R"({"results":[]})",
                           R"({"results":[],"next_page_token":""})", R"({"total_records":5})"}) {
    CAPTURE(body);
    const auto page = parse_result_page(body);
    REQUIRE(page.has_value());
    CHECK(page->items.empty());
    CHECK(page->next_page_token.empty());
  }
}

TEST_CASE("an item of a wrong type is not passed over") {
  const auto page =
      parse_result_page(R"({"results":[null,5,"x",[],{"user":7,"code":9},{"user":{"uid":{}}}]})");
  REQUIRE(page.has_value());
  REQUIRE(page->items.size() == 6);
  for (const auto& item : page->items) {
    CHECK_FALSE(item.uid.has_value());
    CHECK_FALSE(item.id.has_value());
    CHECK(item.code.empty());
  }
  CHECK(page->items[0].user_json == "{}");
}

TEST_CASE("what is no page is an error") {
  const std::string nested =
      std::string(R"({"results":)") + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  for (const std::string& body : {std::string(), std::string("[]"), std::string("<html/>"),
                                  std::string(R"({"results":{}})"), std::string(R"({"results":"x"})"),
                                  std::string(R"({"results":[)"), std::string(R"({"next_page_token":{}})"),
                                  R"({"next_page_token":")" + std::string(9000, 't') + R"("})", nested,
                                  R"({"x":")" + std::string(kMostResultPageBytes, 'x') + R"("})"}) {
    CAPTURE(body.substr(0, 40));
    const auto page = parse_result_page(body);
    REQUIRE(page.has_error());
    CHECK(page.error().code == Errc::invalid);
  }
}

TEST_CASE("a user nested as deeply as a record may be is read") {
  std::string user = "1";
  for (int i = 0; i < 250; ++i)
    user = R"({"a":)" + user + "}";
  const auto page =
      parse_result_page(R"({"results":[{"code":"c","user":{"uid":"u","properties":)" + user + "}}]}");
  REQUIRE(page.has_value());
  CHECK(page->items.at(0).uid == "u");
}

TEST_CASE("bytes that are not UTF-8 in a message do not make a page unreadable") {
  const auto page = parse_result_page("{\"results\":[{\"message\":\"\xff\xfe\",\"user\":{\"uid\":\"u\"}}]}");
  REQUIRE(page.has_value());
  CHECK(page->items.at(0).uid == "u");
}

TEST_CASE("codes and messages of an item are cut") {
  const auto page = parse_result_page(R"({"results":[{"code":")" + std::string(4000, 'c') +
                                      R"(","message":")" + std::string(4000, 'm') + R"("}]})");
  CHECK(page->items.at(0).code.size() == 128);
  CHECK(page->items.at(0).message.size() == 1024);
}

TEST_CASE("a walk goes from token to token and is done at an empty one") {
  PageWalk walk;
  CHECK(walk.next("a=") == PageStep::fetch);
  CHECK(walk.next("b") == PageStep::fetch);
  CHECK(walk.next("") == PageStep::done);
}

TEST_CASE("a token that comes again ends the walk, however long ago it came") {
  PageWalk walk;
  for (int i = 0; i < 1000; ++i)
    REQUIRE(walk.next("t" + std::to_string(i)) == PageStep::fetch);
  CHECK(walk.next("t0") == PageStep::repeated);
  PageWalk same;
  CHECK(same.next("x") == PageStep::fetch);
  CHECK(same.next("x") == PageStep::repeated);
}

TEST_CASE("a list that never ends is given up") {
  PageWalk walk;
  std::size_t pages = 1;
  while (walk.next("t" + std::to_string(pages)) == PageStep::fetch)
    ++pages;
  CHECK(walk.next("another") == PageStep::too_many);
  CHECK(pages == PageWalk::kMostPages);
}
