#include "src/settle/raw_user.hpp"

#include <doctest/doctest.h>

using namespace usherd;

TEST_CASE("Whom a record names that no parser takes is told from its top-level members") {
  struct Row {
    std::string text;
    std::string uid;
    std::string id;
  };
  const std::string deep(5000, '[');
  const Row rows[] = {
      {R"({"uid":"a","properties":{"n":1e999}})", "a", ""},
      {R"( { "properties" : {"uid":"no","n":[1e999,"}"]} , "uid" : "a\"\u0062" , "id":"c" })", "a\"b", "c"},
      {R"({"id":"a",})", "", "a"},
      {R"({"n":1e999,"uid":"a"})", "a", ""},
      {R"({"properties":)" + deep + std::string(5000, ']') + R"(,"uid":"a"})", "a", ""},
      {R"({"properties":)" + deep + R"(,"uid":"a"})", "", ""},
      {R"({"uid":17,"id":null})", "", ""},
      {R"({"uid":"a)", "", ""},
      {R"({"uid")", "", ""},
      {R"({"uid":)", "", ""},
      {R"({"uid":"\ud800"})", "", ""},
      {R"([{"uid":"a"}])", "", ""},
      {"a,99999999999999999999", "", ""},
      {"{", "", ""},
      {"", "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text.substr(0, 60));
    const auto user = read_raw_user(row.text);
    CHECK(user.uid == row.uid);
    CHECK(user.id == row.id);
  }
}
