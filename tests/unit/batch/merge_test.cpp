#include "usherd/batch/merge.hpp"

#include "usherd/validate/block_reader.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <map>
#include <random>

using namespace usherd;
namespace dom = simdjson::dom;

namespace {

std::optional<std::string> merge(std::initializer_list<std::string_view> records) {
  const std::vector<std::string_view> list(records);
  return merge_records(list);
}

std::string with(std::string_view properties) {
  return fmt::format(R"({{"uid":"u","properties":{{{}}}}})", properties);
}

bool folds(std::string_view older, std::string_view newer) {
  return merge({with(older), with(newer)}).has_value();
}

BlockReader& checker() {
  static BlockReader reader({}, UserKeys(std::array<std::byte, UserKeys::kSecretBytes>{std::byte{3}}));
  return reader;
}

/// What an API might keep of a user, under one of two readings of "the most recent value wins".
struct Store {
  bool first_type_stays = false;
  std::map<std::string, std::string> values;

  static std::string type_of(dom::element value) {
    if (!value.is_array())
      return value.is_number() ? "number" : value.is_bool() ? "bool" : "string";
    const auto list = dom::array(value);
    return "array of " + type_of(list.at(0));
  }

  void apply(std::string_view record) {
    dom::parser parser;
    const dom::element root = parser.parse(std::string(record));
    for (const auto member : dom::object(root)) {
      if (member.key != "properties") {
        values[std::string(member.key)] = simdjson::minify(member.value);
        continue;
      }
      for (const auto property : dom::object(member.value)) {
        const auto name = "properties." + std::string(property.key);
        const auto type = type_of(property.value);
        auto& known = values["type of " + name];
        if (first_type_stays && !known.empty() && known != type)
          continue;
        known = type;
        values[name] = simdjson::minify(property.value);
      }
    }
  }
};

std::string random_value(std::mt19937& random) {
  static const std::vector<std::string> kValues = {"1",
                                                   "2.50",
                                                   "-3e2",
                                                   "18446744073709551615",
                                                   "true",
                                                   "false",
                                                   "\"x\"",
                                                   "\"\\u00e9\\\"]}\"",
                                                   "\"y, z\"",
                                                   "[1, 2]",
                                                   "[3]",
                                                   "[ \"a\" ]",
                                                   "[\"b\",\"c\"]",
                                                   "[true]",
                                                   "\"2026-11-24\""};
  return kValues[random() % kValues.size()];
}

std::string random_record(std::mt19937& random) {
  std::vector<std::string> members = {random() % 2 == 0 ? R"("uid":"anna")" : R"("\u0075id" : "\u0061nna")"};
  if (random() % 3 == 0)
    members.push_back(fmt::format(R"("email":"e{}")", random() % 9));
  if (random() % 3 == 0)
    members.push_back(fmt::format(R"("display_name": "d{}\\")", random() % 9));
  if (random() % 5 != 0) {
    std::vector<std::string> properties;
    for (const char* name : {"a", "b", "c", "\\u0061bc", "abc_d"}) {
      if (random() % 3 == 0)
        properties.push_back(fmt::format("\"{}\" :{}", name, random_value(random)));
    }
    std::shuffle(properties.begin(), properties.end(), random);
    members.push_back(fmt::format("\"properties\":{{{}}}", fmt::join(properties, " ,\t")));
  }
  std::shuffle(members.begin(), members.end(), random);
  return fmt::format(" {{{}}}\r", fmt::join(members, ", "));
}

}  // namespace

TEST_CASE("the newest value wins, per member and per property, in order of first sight") {
  CHECK(merge({R"({"uid":"u","email":"e1","properties":{"a":1,"b":"x"}})",
               R"({"uid":"u","display_name":"d","properties":{"c":true,"a":2}})",
               R"({"uid":"u","email":"e2","properties":{"b":"y"}})"}) ==
        R"({"uid":"u","display_name":"d","email":"e2","properties":{"a":2,"b":"y","c":true}})");
  CHECK(merge({R"({"id":"7"})", R"({"id":"7","email":"e"})"}) == R"({"id":"7","email":"e"})");
  CHECK(merge({R"({"uid":"u"})", R"({"uid":"u","properties":{}})"}) == R"({"uid":"u","properties":{}})");
  CHECK_FALSE(merge({}));
}

TEST_CASE("values keep the bytes they were written in") {
  CHECK(merge({with(R"("a":1)"),
               with(R"("a":1.50e+01,"b":[ 1 ,2.0 ],"c":"\u00e9\/ \"]}",  "d" : 12345678901234567)")}) ==
        with(R"("a":1.50e+01,"b":[ 1 ,2.0 ],"c":"\u00e9\/ \"]}","d":12345678901234567)"));
}

TEST_CASE("users are compared after unescaping, and a uid is not an id") {
  CHECK(merge({R"({"uid":"\u0061\ud83d\ude00\/\n"})", "{\"u\\u0069d\":\"a\xF0\x9F\x98\x80/\\u000A\"}"}));
  CHECK_FALSE(merge({R"({"uid":"a"})", R"({"uid":"b"})"}));
  CHECK_FALSE(merge({R"({"uid":"a"})", R"({"id":"a"})"}));
  CHECK_FALSE(merge({R"({"uid":"a"})", R"({"uid":"A"})"}));
}

TEST_CASE("what is not mergeable is not folded") {
  for (const char* record : {R"({"uid":"u","id":"1"})",
                             R"({"email":"e"})",
                             R"({"uid":"u","email":null})",
                             R"({"uid":"u","email":""})",
                             R"({"uid":"u","schema":{}})",
                             R"({"uid":"u","properties":null})",
                             R"({"uid":"u","properties":{"a":null}})",
                             R"({"uid":"u","properties":{"a":""}})",
                             R"({"uid":"u","properties":{"a":[]}})",
                             R"({"uid":"u","properties":{"a":[1,"x"]}})",
                             R"({"uid":"u","properties":{"a":[true,1]}})",
                             R"({"uid":"u","properties":{"a":[null]}})",
                             R"({"uid":"u","properties":{"a":{}}})",
                             R"({"uid":"u","properties":{"a":{"b":1}}})",
                             R"({"uid":"u","properties":{"a":1,"a":1}})",
                             R"({"uid":"u","properties":{"a":1,"\u0061":1}})",
                             R"({"uid":"u","uid":"u"})",
                             R"({"uid":"u","properties":{},"properties":{}})",
                             R"({"uid":"u","other":1})",
                             "",
                             "{",
                             "{}",
                             "[]",
                             "{\"uid\":",
                             "{\"uid\":\"u\"",
                             "{\"uid\":\"u\"} x",
                             "{\"uid\":\"u\\",
                             "{\"uid\":\"u\",}",
                             R"({"uid":"u","properties":{"a":[1})",
                             R"({"uid":"u","properties":{"a":[1,]}})",
                             R"({"uid":"u","properties":{"a":}})",
                             R"({"uid":"u","properties":{"a":x}})"}) {
    CAPTURE(record);
    RecordMerger merger;
    REQUIRE(merger.add(R"({"uid":"u","properties":{"z":1}})"));
    CHECK_FALSE(merger.add(record));
    CHECK(merger.count() == 1);
    CHECK(merger.line() == R"({"uid":"u","properties":{"z":1}})");
    CHECK_FALSE(merge({record}));
  }
}

TEST_CASE("a property folds only with values of its own type") {
  CHECK(folds(R"("a":1)", R"("a":2.5)"));
  CHECK(folds(R"("a":true)", R"("a":false)"));
  CHECK(folds(R"("a":"x")", R"("a":"y")"));
  CHECK(folds(R"("a":["x"])", R"("a":["y","z"])"));
  CHECK(folds(R"("a":[1])", R"("a":[2.5])"));
  CHECK(folds(R"("a":1)", R"("b":"x")"));
  CHECK_FALSE(folds(R"("a":1)", R"("a":"1")"));
  CHECK_FALSE(folds(R"("a":1)", R"("a":true)"));
  CHECK_FALSE(folds(R"("a":1)", R"("a":[1])"));
  CHECK_FALSE(folds(R"("a":["x"])", R"("a":[1])"));
  CHECK_FALSE(folds(R"("a":[true])", R"("a":[1])"));
  SUBCASE("a type once seen stays the property's") {
    RecordMerger merger;
    CHECK(merger.add(with(R"("a":1)")));
    CHECK(merger.add(with(R"("b":1)")));
    CHECK_FALSE(merger.add(with(R"("b":2,"a":"x")")));
    CHECK(merger.line() == with(R"("a":1,"b":1)"));
    CHECK(merger.count() == 2);
  }
}

TEST_CASE("texts that may be read as dates fold only with the like") {
  CHECK(folds(R"("a":"2026-11-24")", R"("a":"2027-01-01")"));
  CHECK(folds(R"("a":"2026-11-24T08:00:00Z")", R"("a":"2027-01-01T10:00:00.5+01:00")"));
  CHECK(folds(R"("a":["2026-11-24"])", R"("a":["2027-01-01"])"));
  CHECK(folds(R"("a":"1234567")", R"("a":"plain")"));
  CHECK(folds(R"("a":"202611240")", R"("a":"plain")"));
  for (const char* date : {"2026-11-24", "2026-11-24T08:00:00Z", "2026-11", "2026-W48", "20261124",
                           "20261124T0800Z", "2026-13-45", "2026-11-24 08:00:00Z", "2026\\u002d11-24"}) {
    CAPTURE(date);
    CHECK_FALSE(folds(fmt::format("\"a\":\"{}\"", date), R"("a":"plain")"));
    CHECK_FALSE(folds(R"("a":"plain")", fmt::format("\"a\":\"{}\"", date)));
    CHECK_FALSE(folds(R"("a":["plain"])", fmt::format("\"a\":[\"{}\"]", date)));
    CHECK_FALSE(folds(fmt::format("\"a\":[\"{}\",\"plain\"]", date), R"("a":["plain"])"));
  }
  CHECK_FALSE(folds(R"("a":"2026-11-24")", R"("a":"2026-11-24T08:00:00Z")"));
  CHECK_FALSE(folds(R"("a":"2026-13-45")", R"("a":"2026-13-45")"));
}

TEST_CASE("a merged record obeys the limits") {
  const auto many = [](int from, int to, std::string_view value) {
    std::string out;
    for (int i = from; i < to; ++i)
      out += fmt::format("{}\"p{}\":{}", i == from ? "" : ",", i, value);
    return with(out);
  };
  CHECK(merge({many(0, 300, "1"), many(200, 500, "1")}));
  CHECK_FALSE(merge({many(0, 300, "1"), many(200, 501, "1")}));
  const auto large = "\"" + std::string(8000, 'x') + "\"";
  RecordMerger merger;
  CHECK(merger.add(many(0, 100, large)));
  CHECK_FALSE(merger.add(many(100, 140, large)));
  CHECK(merger.add(many(0, 100, large)));
  CHECK(merger.add(many(50, 130, large)));
  CHECK_FALSE(merger.add(many(129, 131, large)));
  CHECK(merger.add(many(0, 1, "\"x\"")));
  CHECK(merger.add(many(129, 131, large)));
  CHECK(merger.line().size() <= kMostRecordBytes);
  CHECK_FALSE(checker().check_line(merger.line()));
}

TEST_CASE("folding random updates ends where applying them one by one ends") {
  std::mt19937 random(11);
  int folded = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> records;
    RecordMerger merger;
    while (records.size() < 1 + random() % 8) {
      const auto record = random_record(random);
      CAPTURE(record);
      Record checked;
      REQUIRE_FALSE(checker().check_line(record, 0, 1, &checked));
      // Where a record does not fold, the merger must go on as if it had not been offered.
      if (merger.add(record))
        records.push_back(record);
      CHECK(((checked.flags & kMergeable) != 0 || records.empty() || records.back() != record));
    }
    for (const bool first_type_stays : {false, true}) {
      Store one_by_one{first_type_stays, {}};
      for (const auto& record : records)
        one_by_one.apply(record);
      Store at_once{first_type_stays, {}};
      at_once.apply(merger.line());
      CAPTURE(merger.line());
      REQUIRE(at_once.values == one_by_one.values);
    }
    folded += records.size() > 1 ? 1 : 0;
    Record merged;
    Record source;
    REQUIRE_FALSE(checker().check_line(merger.line(), 0, 1, &merged));
    REQUIRE_FALSE(checker().check_line(records.front(), 0, 1, &source));
    CHECK(merged.user == source.user);
    CHECK(merged.flags == kMergeable);
  }
  CHECK(folded > 1000);
}

TEST_CASE("whatever the validator marks mergeable can be taken by a merger") {
  std::mt19937 random(12);
  for (int round = 0; round < 3000; ++round) {
    const auto record = random_record(random);
    CAPTURE(record);
    Record checked;
    REQUIRE_FALSE(checker().check_line(record, 0, 1, &checked));
    RecordMerger merger;
    CHECK(merger.add(record) == ((checked.flags & kMergeable) != 0));
  }
}
