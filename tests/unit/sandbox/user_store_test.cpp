#include "src/sandbox/user_store.hpp"

#include "src/sandbox/user_json.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

namespace {

/// A store fed with records as JSON.
class Bench {
 public:
  UserStore::Applied apply(std::string_view json) {
    simdjson::dom::parser parser;
    simdjson::dom::object object;
    REQUIRE(parser.parse(json.data(), json.size()).get(object) == simdjson::SUCCESS);
    return store.apply(view_record(object), settings);
  }
  std::string told(UserStore::Number user) {
    Random random(1);
    return user_json(store, user, true, Quirks(), random);
  }
  UserStore store;
  Settings settings;
};

}  // namespace

TEST_CASE("records of one uid are one user") {
  Bench bench;
  const auto first = bench.apply(R"({"uid":"a","display_name":"A","properties":{"x":1,"y":2}})");
  const auto again = bench.apply(R"({"uid":"a","email":"a@b","properties":{"y":3}})");
  CHECK(first.user == again.user);
  CHECK(bench.store.size() == 1);
  CHECK(bench.told(first.user).find(R"("display_name":"A","email":"a@b","properties":{"x":1,"y":3})") !=
        std::string::npos);
  CHECK(bench.store.at(first.user).updates == 2);
}

TEST_CASE("a record without uid and id makes a new anonymous user each time") {
  Bench bench;
  const auto first = bench.apply(R"({"display_name":"A"})");
  const auto again = bench.apply(R"({"display_name":"A"})");
  CHECK(first.user != again.user);
  CHECK(bench.store.size() == 2);
}

TEST_CASE("ids lead back to their users and do not fit a double") {
  Bench bench;
  for (int i = 0; i < 100; ++i)
    (void)bench.apply("{}");
  for (UserStore::Number user = 0; user < 100; ++user) {
    const std::string id = UserStore::id_of(user);
    CHECK(bench.store.find_id(id) == user);
    CHECK(id.size() == 19);
  }
  for (const std::string_view id :
       {"", "0", "x", "6341068275337658370", "99999999999999999999", "6341068275337658369 "})
    CHECK_FALSE(bench.store.find_id(id));
  CHECK_FALSE(bench.store.find_id(UserStore::id_of(100)));
}

TEST_CASE("an id finds its user, may identify it once, and never changes a uid") {
  Bench bench;
  const auto anonymous = bench.apply("{}");
  const std::string id = UserStore::id_of(anonymous.user);
  CHECK(bench.apply(R"({"id":")" + id + R"(","uid":"a"})").user == anonymous.user);
  CHECK(bench.store.find_uid("a") == anonymous.user);
  CHECK(bench.apply(R"({"id":")" + id + R"(","uid":"a"})").user == anonymous.user);
  CHECK(bench.apply(R"({"id":")" + id + R"(","uid":"b"})").fault->code == "invalid_parameter");
  CHECK(bench.apply(R"({"id":"77"})").fault->code == "resource_not_found");
  (void)bench.apply(R"({"uid":"c"})");
  const auto other = bench.apply("{}");
  CHECK(bench.apply(R"({"id":")" + UserStore::id_of(other.user) + R"(","uid":"c"})").fault);
}

TEST_CASE("a property that changes its type is told as a conflict") {
  Bench bench;
  const auto user = bench.apply(R"({"uid":"a","properties":{"n":1,"o":{"d":"2026-11-24"},"same":1}})").user;
  CHECK(bench.told(user).find("type_conflicts") == std::string::npos);
  (void)bench.apply(R"({"uid":"a","properties":{"n":"one","o":{"d":true},"same":2}})");
  CHECK(bench.told(user).find(
            R"("type_conflicts":{"properties":{"n":["real","str"],"o.d":["bool","date"]}})") !=
        std::string::npos);
}

TEST_CASE("a declared type is the type, and declaring another is a conflict") {
  Bench bench;
  const auto user =
      bench.apply(R"({"uid":"a","properties":{"n":1},"schema":{"properties":{"n":"int"}}})").user;
  CHECK(bench.told(user).find(R"("schema":{"properties":{"n":"int"}})") != std::string::npos);
  (void)bench.apply(R"({"uid":"a","properties":{"n":2}})");
  CHECK(bench.told(user).find("type_conflicts") == std::string::npos);
  (void)bench.apply(R"({"uid":"a","properties":{"n":2},"schema":{"properties":{"n":"real"}}})");
  CHECK(bench.told(user).find(R"("n":["int","real"])") != std::string::npos);
}

TEST_CASE("a deleted user is gone, and its uid makes a new one") {
  Bench bench;
  const auto first = bench.apply(R"({"uid":"a"})").user;
  bench.store.remove(first);
  CHECK_FALSE(bench.store.find_uid("a"));
  CHECK_FALSE(bench.store.find_id(UserStore::id_of(first)));
  CHECK(bench.store.size() == 0);
  CHECK(bench.apply(R"({"uid":"a"})").user != first);
}

TEST_CASE("users are sorted by uid, the anonymous ones last") {
  Bench bench;
  (void)bench.apply(R"({"uid":"b"})");
  (void)bench.apply("{}");
  (void)bench.apply(R"({"uid":"a"})");
  CHECK(bench.store.sorted() == std::vector<UserStore::Number>{2, 0, 1});
}
