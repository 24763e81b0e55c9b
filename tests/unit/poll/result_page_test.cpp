#include "usherd/poll/result_page.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <string>
#include <vector>

using namespace usherd;

namespace {

std::vector<ResultItem> items_of(const Result<ResultPage>& page) {
  std::vector<ResultItem> items;
  const auto taken = page->each([&](const ResultItem& item) {
    items.push_back(item);
    return Result<void>();
  });
  CHECK(taken.has_value());
  return items;
}

}  // namespace

TEST_CASE("a page of errors gives the user that each error names") {
  const auto page = parse_result_page(R"({"results":[
      {"message":"The uid can not be empty","code":"invalid_parameter","user":{"uid":"u\u00e91","properties":{"a":1}}},
      {"message":"m","code":"c","user":{"id":"6388424976856404220","uid":null}}],
      "total_records":"98","next_page_token":"asd543="})");
  REQUIRE(page.has_value());
  REQUIRE(items_of(page).size() == 2);
  CHECK(items_of(page)[0].code == "invalid_parameter");
  CHECK(items_of(page)[0].message == "The uid can not be empty");
  CHECK(items_of(page)[0].uid ==
        "u\xC3\xA9"
        "1");
  CHECK_FALSE(items_of(page)[0].id.has_value());
  CHECK(items_of(page)[0].user_json == R"({"uid":"u\u00e91","properties":{"a":1}})");
  CHECK_FALSE(items_of(page)[1].uid.has_value());
  CHECK(items_of(page)[1].id == "6388424976856404220");
  CHECK(page->next_page_token == "asd543=");
}

TEST_CASE("in a page of imports the item is the user") {
  const auto page = parse_result_page(
      R"({"results":[{"id":"5","uid":"u","email":"","properties":{},"schema":null,"type_conflicts":null}]})");
  REQUIRE(page.has_value());
  REQUIRE(items_of(page).size() == 1);
  CHECK(items_of(page)[0].uid == "u");
  CHECK(items_of(page)[0].id == "5");
  CHECK(items_of(page)[0].code.empty());
  CHECK(page->next_page_token.empty());
}

TEST_CASE("ids that came as numbers keep every digit") {
  const auto page = parse_result_page(
      R"({"results":[{"id":6388424976856404220,"uid":18446744073709551615},{"id":-9007199254740993,"uid":17}]})");
  REQUIRE(page.has_value());
  CHECK(items_of(page)[0].id == "6388424976856404220");
  CHECK(items_of(page)[0].uid == "18446744073709551615");
  CHECK(items_of(page)[1].id == "-9007199254740993");
  CHECK(items_of(page)[1].uid == "17");
  const auto large = parse_result_page(
      R"({"results":[{"user":{"uid":184467440737095516160,"id":-19000000000000000001234}}],)"
      R"("next_page_token":19000000000000000001234})");
  REQUIRE(large.has_value());
  CHECK(items_of(large)[0].uid == "184467440737095516160");
  CHECK(items_of(large)[0].id == "-19000000000000000001234");
  CHECK(large->next_page_token == "19000000000000000001234");
}

TEST_CASE("everything in a page may be missing or null") {
  for (const auto* body : {"{}", R"({"results":null,"next_page_token":null})", R"({"results":[]})",
                           R"({"results":[],"next_page_token":""})", R"({"total_records":5})"}) {
    CAPTURE(body);
    const auto page = parse_result_page(body);
    REQUIRE(page.has_value());
    CHECK(items_of(page).empty());
    CHECK(page->next_page_token.empty());
  }
}

TEST_CASE("an item of a wrong type is not passed over") {
  const auto page =
      parse_result_page(R"({"results":[null,5,"x",[],{"user":7,"code":9},{"user":{"uid":{}}}]})");
  REQUIRE(page.has_value());
  REQUIRE(items_of(page).size() == 6);
  for (const auto& item : items_of(page)) {
    CHECK_FALSE(item.uid.has_value());
    CHECK_FALSE(item.id.has_value());
    CHECK(item.code.empty());
  }
  CHECK(items_of(page)[0].user_json == "{}");
}

TEST_CASE("the last of repeated members counts, also under an escaped name") {
  const auto page = parse_result_page(
      R"( { "results" : [ 1 ] , "r\u0065sults":[{"code":"a","c\u006fde":"b","user":{"uid":"\"u\\","u\u0069d":"v]}"}}, {}],
      "next_page_token":"x","next_page_token":"y\u0000\n"}
)");
  REQUIRE(page.has_value());
  const auto items = items_of(page);
  REQUIRE(items.size() == 2);
  CHECK(items[0].code == "b");
  CHECK(items[0].uid == "v]}");
  CHECK(page->next_page_token == std::string("y\0\n", 3));
}

TEST_CASE("items end where their taker fails") {
  const auto page = parse_result_page(R"({"results":[1,2,3]})");
  int taken = 0;
  const auto each = page->each([&](const ResultItem&) -> Result<void> {
    if (++taken == 2)
      return Error{Errc::io, "read error"};
    return {};
  });
  CHECK(each.has_error());
  CHECK(taken == 2);
}

TEST_CASE("a page of the most bytes takes little more memory than them, whatever stands in it") {
  struct rusage before {};
  getrusage(RUSAGE_SELF, &before);
  for (const std::string item : {"0", "{}", "[[[[[[[[]]]]]]]]", R"({"user":{"uid":"u"}})"}) {
    CAPTURE(item);
    std::string body = R"({"results":[)" + item;
    while (body.size() + item.size() + 3 < kMostResultPageBytes)
      body += "," + item;
    const auto count = (body.size() - 12 + 1) / (item.size() + 1);
    const auto page = parse_result_page(body + "]}");
    REQUIRE(page.has_value());
    std::size_t items = 0;
    const auto each = page->each([&](const ResultItem&) {
      ++items;
      return Result<void>();
    });
    CHECK(each.has_value());
    CHECK(items == count);
  }
  struct rusage after {};
  getrusage(RUSAGE_SELF, &after);
  // A document built of it took up to 1.6 GiB; the sanitizers keep 256 MiB of what was freed.
  CHECK(after.ru_maxrss - before.ru_maxrss < 400 * 1024);
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
  CHECK(items_of(page).at(0).uid == "u");
}

TEST_CASE("bytes that are not UTF-8 in a message do not make a page unreadable") {
  const auto page = parse_result_page("{\"results\":[{\"message\":\"\xff\xfe\",\"user\":{\"uid\":\"u\"}}]}");
  REQUIRE(page.has_value());
  CHECK(items_of(page).at(0).uid == "u");
}

TEST_CASE("half a character or a raw control character does not make a page unreadable") {
  const auto page = parse_result_page(
      "{\"results\":[{\"message\":\"\\ud83d\",\"user\":{\"uid\":\"u\\udc00\"}},"
      "{\"message\":\"a\tb\",\"code\":\"c\",\"user\":{\"uid\":\"v\t\"}}],\"next_page_token\":\"t\"}");
  REQUIRE(page.has_value());
  const auto items = items_of(page);
  REQUIRE(items.size() == 2);
  // No record holds what stands for half a character: it names nobody.
  CHECK(items[0].uid == "u\xFF");
  CHECK(items[1].message == "a\tb");
  CHECK(items[1].code == "c");
  CHECK(items[1].uid == "v\t");
  CHECK(page->next_page_token == "t");
}

TEST_CASE("a record shown with an exponent past 32 bits does not make a page unreadable") {
  for (const auto* number : {"1e-9999999999", "0e2147483648", "[1,1e-99999999999]", "1E+99999999999"}) {
    CAPTURE(number);
    const auto page = parse_result_page(R"({"results":[{"user":{"uid":"u","properties":{"k":)" +
                                        std::string(number) + R"(}}},{"user":{"uid":"v"}}]})");
    REQUIRE(page.has_value());
    const auto items = items_of(page);
    REQUIRE(items.size() == 2);
    CHECK(items[0].uid == "u");
    CHECK(items[1].uid == "v");
  }
}

TEST_CASE("codes and messages of an item are cut") {
  const auto page = parse_result_page(R"({"results":[{"code":")" + std::string(4000, 'c') +
                                      R"(","message":")" + std::string(4000, 'm') + R"("}]})");
  CHECK(items_of(page).at(0).code.size() == 128);
  CHECK(items_of(page).at(0).message.size() == 1024);
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
