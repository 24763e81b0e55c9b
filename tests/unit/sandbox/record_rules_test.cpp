#include "src/sandbox/record_rules.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

using namespace usherd::sandbox;

namespace {

/// Empty: the record is fine; else "code: message".
std::string judged(std::string_view json, const Settings& settings = Settings()) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  REQUIRE(parser.parse(json.data(), json.size()).get(object) == simdjson::SUCCESS);
  const auto fault = check_record(view_record(object), settings);
  return fault ? fmt::format("{}: {}", fault->code, fault->message) : std::string();
}

std::string many_properties(int count) {
  std::string out = R"({"uid":"u","properties":{)";
  for (int i = 0; i < count; ++i)
    out += fmt::format("{}\"p{}\":{}", i == 0 ? "" : ",", i, i);
  return out + "}}";
}

std::string of(std::string_view name, std::size_t length, std::string_view symbol = "x") {
  std::string text;
  for (std::size_t i = 0; i < length; ++i)
    text += symbol;
  return fmt::format(R"({{"{}":"{}"}})", name, text);
}

}  // namespace

TEST_CASE("records within the limits are fine") {
  const std::string long_name(511, 'n');
  const std::vector<std::string> records{
      "{}",
      R"({"uid":"u","id":"1","display_name":"D","email":"e","properties":{},"schema":{}})",
      R"({"uid":null,"display_name":null,"properties":null})",
      R"({"uid":"u","unknown":1})",
      R"({"uid":"u","properties":{"a":{"b":{"c":[1,2]}},"d":null}})",
      fmt::format(R"({{"properties":{{"{}n":1}}}})", long_name),
      of("uid", 256),
      of("uid", 256, "é"),
      of("display_name", 256),
      of("email", 128),
      many_properties(500),
  };
  for (const std::string& record : records) {
    CAPTURE(record.substr(0, 80));
    CHECK(judged(record).empty());
  }
}

TEST_CASE("records beyond the limits are refused with invalid_parameter") {
  const std::string long_name(511, 'n');
  const std::vector<std::string> records{
      R"({"uid":""})",
      R"({"uid":7})",
      R"({"properties":[]})",
      R"({"properties":{"1a":1}})",
      R"({"properties":{"a-b":1}})",
      R"({"properties":{"":1}})",
      R"({"properties":{"a":{"b.c":1}}})",
      R"({"properties":{"a":[{"b":1}]}})",
      R"({"properties":{"a":[[1]]}})",
      fmt::format(R"({{"properties":{{"{}nn":1}}}})", long_name),
      fmt::format(R"({{"properties":{{"{}":{{"b":1}}}}}})", long_name),
      of("uid", 257),
      of("uid", 257, "é"),
      of("display_name", 257),
      of("email", 129),
      many_properties(501),
  };
  for (const std::string& record : records) {
    CAPTURE(record.substr(0, 80));
    CHECK(judged(record).starts_with("invalid_parameter: "));
  }
}

TEST_CASE("empty objects count as properties") {
  std::string record = R"({"properties":{)";
  for (int i = 0; i < 501; ++i)
    record += fmt::format("{}\"p{}\":{{}}", i == 0 ? "" : ",", i);
  CHECK_FALSE(judged(record + "}}").empty());
}

TEST_CASE("switches make the rules stricter") {
  Settings settings;
  settings.unknown_members = UnknownMembers::reject;
  CHECK_FALSE(judged(R"({"uid":"u","unknown":1})", settings).empty());
  settings = Settings();
  settings.length_unit = LengthUnit::bytes;
  CHECK_FALSE(judged(of("uid", 129, "é"), settings).empty());
  settings = Settings();
  settings.nulls = Nulls::reject;
  CHECK_FALSE(judged(R"({"properties":{"a":null}})", settings).empty());
  settings = Settings();
  const std::string large = fmt::format(R"({{"properties":{{"a":"{}"}}}})", std::string(8193, 'x'));
  CHECK(judged(large, settings).empty());
  settings.oversized_value = OversizedValue::reject;
  CHECK_FALSE(judged(large, settings).empty());
  settings = Settings();
  settings.reject_uids_with = "bad";
  settings.record_error_code = "quota";
  CHECK(judged(R"({"uid":"a-bad-one"})", settings).starts_with("quota: "));
  CHECK(judged(R"({"uid":"a-good-one"})", settings).empty());
}

TEST_CASE("a member that stands twice counts with its last value") {
  CHECK(judged(R"({"uid":"","uid":"u"})").empty());
  CHECK_FALSE(judged(R"({"uid":"u","uid":""})").empty());
}
