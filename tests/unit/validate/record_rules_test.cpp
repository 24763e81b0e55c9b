#include "tests/unit/validate/line_check.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace usherd;

namespace {

bool mergeable(std::string_view line) {
  return (good(line).flags & kMergeable) != 0;
}

std::string with_properties(std::string_view properties) {
  return fmt::format(R"({{"uid":"u","properties":{{{}}}}})", properties);
}

std::string many(std::size_t count, std::string_view prefix = "p") {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += fmt::format("{}\"{}{}\":{}", i == 0 ? "" : ",", prefix, i, i);
  return out;
}

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

}  // namespace

TEST_CASE("the top-level rules name the member that breaks them") {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"uid":"u"})", ""},
      {R"( {"uid":"u","id":"1","display_name":"d","email":"e","properties":{},"schema":{}} )", ""},
      {R"({"u\u0069d":"u"})", ""},
      {R"({"uid":"u","foo":1})", "unknown_member"},
      {R"({"uid":"u","UID":"v"})", "unknown_member"},
      {R"({"uid":"u","":1})", "unknown_member"},
      {R"({"uid":"u","uid":"u"})", "repeated_member"},
      {R"({"uid":"u","u\u0069d":"v"})", "repeated_member"},
      {R"({"uid":"u","properties":{},"properties":{}})", "repeated_member"},
      {R"({"uid":""})", "empty_uid"},
      {R"({"uid":"u","id":""})", "empty_id"},
      {R"({"uid":"a\u0000b"})", "nul_in_uid"},
      {R"({"uid":5})", "wrong_type"},
      {R"({"id":5})", "wrong_type"},
      {R"({"uid":"u","email":["e"]})", "wrong_type"},
      {R"({"uid":"u","display_name":true})", "wrong_type"},
      {R"({"uid":"u","properties":[]})", "wrong_type"},
      {R"({"uid":"u","properties":"x"})", "wrong_type"},
      {R"({"uid":"u","schema":[]})", "wrong_type"},
      {R"({})", "anonymous"},
      {R"({"email":"e"})", "anonymous"},
      {R"({"uid":null})", "anonymous"},
      {R"({"uid":null,"id":null})", "anonymous"},
      {R"({"uid":null,"id":"1"})", ""},
      {R"({"uid":"u","id":null,"email":null,"display_name":null,"properties":null,"schema":null})", ""},
      {R"([{"uid":"u"}])", "not_an_object"},
      {R"("uid")", "not_an_object"},
      {"5", "not_an_object"},
      {"null", "not_an_object"},
      {"", "invalid_json"},
      {"   ", "invalid_json"},
  };
  for (const auto& [line, code] : cases) {
    CAPTURE(line);
    CHECK(code_of(line) == code);
  }
}

TEST_CASE("lengths are counted in code points after unescaping") {
  const std::string a256(256, 'a');
  const std::pair<std::string, std::string> cases[] = {
      {fmt::format(R"({{"uid":"{}"}})", a256), ""},
      {fmt::format(R"({{"uid":"{}a"}})", a256), "uid_too_long"},
      {fmt::format(R"({{"id":"{}"}})", a256), ""},
      {fmt::format(R"({{"id":"{}a"}})", a256), "id_too_long"},
      {fmt::format(R"({{"uid":"u","display_name":"{}"}})", a256), ""},
      {fmt::format(R"({{"uid":"u","display_name":"{}a"}})", a256), "display_name_too_long"},
      {fmt::format(R"({{"uid":"u","email":"{}"}})", std::string(128, 'a')), ""},
      {fmt::format(R"({{"uid":"u","email":"{}"}})", std::string(129, 'a')), "email_too_long"},
      {fmt::format(R"({{"uid":"{}"}})", repeat("\xF0\x9F\x98\x80", 256)), ""},
      {fmt::format(R"({{"uid":"{}"}})", repeat("\xF0\x9F\x98\x80", 257)), "uid_too_long"},
      {fmt::format(R"({{"uid":"{}"}})", repeat("\\ud83d\\ude00", 256)), ""},
      {fmt::format(R"({{"uid":"{}"}})", repeat("\\ud83d\\ude00", 257)), "uid_too_long"},
  };
  for (const auto& [line, code] : cases) {
    CAPTURE(line.size());
    CHECK(code_of(line) == code);
  }
}

TEST_CASE("an anonymous record is accepted where the operator says so, and has no user") {
  const auto record = good(R"({"properties":{"a":1}})", {.accept_anonymous = true});
  CHECK(record.user == 0);
  CHECK(record.second == 0);
  CHECK(record.flags == 0);
  CHECK(code_of(R"({"uid":""})", {.accept_anonymous = true}) == "empty_uid");
}

TEST_CASE("property names are a letter followed by letters, digits and underscores") {
  const std::pair<const char*, const char*> cases[] = {
      {R"("a":1)", ""},
      {R"("Az_09_":1)", ""},
      {R"("\u0061b":1)", ""},
      {R"("":1)", "property_name_invalid"},
      {R"("_a":1)", "property_name_invalid"},
      {R"("9a":1)", "property_name_invalid"},
      {R"("a.b":1)", "property_name_invalid"},
      {R"("a-b":1)", "property_name_invalid"},
      {R"("a b":1)", "property_name_invalid"},
      {R"("ä":1)", "property_name_invalid"},
      {R"("a\u0000":1)", "property_name_invalid"},
      {R"("a":{"b c":1})", "property_name_invalid"},
      {R"("a":{"":1})", "property_name_invalid"},
  };
  for (const auto& [properties, code] : cases) {
    CAPTURE(properties);
    CHECK(code_of(with_properties(properties)) == code);
  }
}

TEST_CASE("a name and its dotted path may have 512 characters") {
  const auto name = [](std::size_t length) { return std::string(length, 'n'); };
  CHECK(code_of(with_properties(fmt::format("\"{}\":1", name(512)))).empty());
  CHECK(code_of(with_properties(fmt::format("\"{}\":1", name(513)))) == "property_name_too_long");
  CHECK(code_of(with_properties(fmt::format("\"{}\":{{\"{}\":1}}", name(255), name(256)))).empty());
  CHECK(code_of(with_properties(fmt::format("\"{}\":{{\"{}\":1}}", name(256), name(256)))) ==
        "property_name_too_long");
}

TEST_CASE("objects nest up to 64 deep inside properties") {
  const auto nested = [](std::size_t depth) {
    return with_properties(repeat("\"n\":{", depth) + "\"n\":1" + repeat("}", depth));
  };
  CHECK(code_of(nested(64)).empty());
  CHECK(code_of(nested(65)) == "nesting_too_deep");
  CHECK(code_of(nested(2000)) == "nesting_too_deep");
}

TEST_CASE("a record has at most 500 unique properties, each value counted once under its path") {
  CHECK(code_of(with_properties(many(500))).empty());
  CHECK(code_of(with_properties(many(501))) == "too_many_properties");
  SUBCASE("nested ones count singly, their parents do not") {
    CHECK(code_of(with_properties("\"a\":{" + many(250) + "},\"b\":{" + many(250) + "}")).empty());
    CHECK(code_of(with_properties("\"a\":{" + many(251) + "},\"b\":{" + many(250) + "}")) ==
          "too_many_properties");
  }
  SUBCASE("an empty object counts") {
    CHECK(code_of(with_properties(many(499) + ",\"e\":{}")).empty());
    CHECK(code_of(with_properties(many(500) + ",\"e\":{}")) == "too_many_properties");
  }
  SUBCASE("a repeated one counts once") {
    CHECK(code_of(with_properties(many(500) + "," + many(500))).empty());
    CHECK(code_of(with_properties("\"a\":{" + many(300) + "},\"a\":{" + many(300) + "}")).empty());
    CHECK(code_of(with_properties(many(501) + "," + many(501))) == "too_many_properties");
  }
}

TEST_CASE("a value has at most 8192 bytes: a string unescaped, an array as compact JSON") {
  const auto text = [](std::size_t length) { return std::string(length, 'x'); };
  const std::pair<std::string, std::string> cases[] = {
      {fmt::format("\"a\":\"{}\"", text(8192)), ""},
      {fmt::format("\"a\":\"{}\"", text(8193)), "property_value_too_large"},
      {fmt::format("\"a\":\"{}\"", repeat("\\u00e9", 4096)), ""},
      {fmt::format("\"a\":\"{}\"", repeat("\\u00e9", 4097)), "property_value_too_large"},
      {fmt::format("\"a\":[\"{}\"]", text(8188)), ""},
      {fmt::format("\"a\":[\"{}\"]", text(8189)), "property_value_too_large"},
      {fmt::format("\"a\":[\"{}\",7]", text(8186)), ""},
      {fmt::format("\"a\":[\"{}\",7]", text(8187)), "property_value_too_large"},
      {fmt::format("\"a\":[1{}]", repeat(" , 1", 4094)), ""},
      {fmt::format("\"a\":[1{}]", repeat(" , 1", 4095)), "property_value_too_large"},
      {fmt::format("\"a\":[true{}]", repeat(",false", 1365)), "property_value_too_large"},
      {fmt::format("\"a\":{{\"b\":\"{}\"}}", text(8193)), "property_value_too_large"},
      // Numbers count as their shortest form, however they are written.
      {fmt::format("\"a\":[1e99{}]", repeat(",1e99", 1637)), ""},
      {fmt::format("\"a\":[10e98{}]", repeat(",1.0E+99", 1637)), ""},
      {fmt::format("\"a\":[1e99{}]", repeat(",1e99", 1638)), "property_value_too_large"},
      {fmt::format("\"a\":[1e5{}]", repeat(",-1e5", 1637)), ""},
      {fmt::format("\"a\":[1.5{}]", repeat(",0.5", 2046)), ""},
      {fmt::format("\"a\":[1.5{}]", repeat(",0.5", 2047)), "property_value_too_large"},
      {fmt::format("\"a\":[1.5{}]", repeat(",12e-9", 1364)), ""},
      {fmt::format("\"a\":[1.5{}]", repeat(",1.2e-8", 1365)), "property_value_too_large"},
      {fmt::format("\"a\":[1.5{}]", repeat(",0e9", 4094)), "property_value_too_large"},
      {fmt::format("\"a\":[1.5{}]", repeat(",0.0", 4093)), ""},
  };
  for (const auto& [properties, code] : cases) {
    CAPTURE(properties.size());
    CHECK(code_of(with_properties(properties)) == code);
  }
}

TEST_CASE("arrays hold scalars only") {
  CHECK(code_of(with_properties(R"("a":[1,"x",true,null,1.5])")).empty());
  CHECK(code_of(with_properties(R"("a":[])")).empty());
  CHECK(code_of(with_properties(R"("a":[1,{}])")) == "array_of_objects");
  CHECK(code_of(with_properties(R"("a":[[1]])")) == "nested_array");
  CHECK(code_of(with_properties(R"("a":{"b":[{"c":1}]})")) == "array_of_objects");
}

TEST_CASE("a schema declares known types for flat selectors") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", ""},
      {R"({"properties":{}})", ""},
      {R"({"properties":null})", ""},
      {R"({"properties":{"a":"bool","b":"bools","c":"date","d":"dates","e":"int"}})", ""},
      {R"({"properties":{"f":"ints","g":"real","h":"reals","i":"str","j":"strs","location.code":"str"}})",
       ""},
      {R"({"properties":{"a":"string"}})", "schema_type_unknown"},
      {R"({"properties":{"a":""}})", "schema_type_unknown"},
      {R"({"properties":{"a":null}})", "schema_type_unknown"},
      {R"({"properties":{"a":{"b":"int"}}})", "schema_type_unknown"},
      {R"({"properties":{".a":"int"}})", "schema_selector_invalid"},
      {R"({"properties":{"a.":"int"}})", "schema_selector_invalid"},
      {R"({"properties":{"a..b":"int"}})", "schema_selector_invalid"},
      {R"({"properties":{"a.1":"int"}})", "schema_selector_invalid"},
      {R"({"properties":{"":"int"}})", "schema_selector_invalid"},
      {R"({"properties":[]})", "wrong_type"},
      {R"({"props":{}})", "schema_member_unknown"},
  };
  for (const auto& [schema, code] : cases) {
    CAPTURE(schema);
    CHECK(code_of(fmt::format(R"({{"uid":"u","schema":{}}})", schema)) == code);
  }
  const auto selector = [](std::size_t length) {
    return fmt::format(R"({{"uid":"u","schema":{{"properties":{{"{}":"int"}}}}}})", std::string(length, 's'));
  };
  CHECK(code_of(selector(512)).empty());
  CHECK(code_of(selector(513)) == "schema_selector_too_long");
}

TEST_CASE("what is not JSON is told apart") {
  using namespace std::string_literals;
  const std::pair<std::string, std::string> cases[] = {
      {R"({"uid":"u")", "invalid_json"},
      {R"({"uid":"u)", "invalid_json"},
      {R"({"uid":"u",})", "invalid_json"},
      {R"({'uid':'u'})", "invalid_json"},
      {R"({uid:"u"})", "invalid_json"},
      {R"({"uid" "u"})", "invalid_json"},
      {R"(})", "invalid_json"},
      {R"(]])", "invalid_json"},
      {R"({"uid":"u"]})", "invalid_json"},
      {R"({"uid":nul})", "invalid_json"},
      {R"({"uid":"u","properties":{"a":NaN}})", "invalid_json"},
      {R"({"uid":"u","properties":{"a":01}})", "invalid_json"},
      {R"({"uid":"u","properties":{"a":+1}})", "invalid_json"},
      {R"({"uid":"u","properties":{"a":1.}})", "invalid_json"},
      {R"({"uid":"u","properties":{"a":.5}})", "invalid_json"},
      {R"({"uid":"u\x"})", "invalid_json"},
      {R"({"uid":"\ud800"})", "invalid_json"},
      {R"({"uid":"\udc00"})", "invalid_json"},
      {R"({"uid":"\ud800\ud800"})", "invalid_json"},
      {R"({"uid":"\ud800x"})", "invalid_json"},
      {"{\"uid\":\"a\tb\"}", "invalid_json"},
      {"{\"uid\":\"a\x0b\x62\"}", "invalid_json"},
      {"{\"uid\":\"u\x80\"}", "invalid_utf8"},
      {"{\"uid\":\"\xC0\x80\"}", "invalid_utf8"},
      {"{\"uid\":\"\xED\xA0\x80\"}", "invalid_utf8"},
      {"{\"uid\":\"\xF4\x90\x80\x80\"}", "invalid_utf8"},
      {"\xFF\xFE{\"uid\":\"u\"}", "invalid_utf8"},
      {"{\"uid\":\"u\0\"}"s, "nul_byte"},
      {"{\"uid\":\"u\"}\0\0"s, "nul_byte"},
      {"\0\0\0\0"s, "nul_byte"},
      {"\xEF\xBB\xBF{\"uid\":\"u\"}", "byte_order_mark"},
      {R"({"uid":"u"} x)", "trailing_data"},
      {R"({"uid":"u"},)", "trailing_data"},
      {R"({"uid":"u"}{"uid":"v"})", "trailing_data"},
      {R"({"uid":"u"}})", "trailing_data"},
  };
  for (const auto& [line, code] : cases) {
    CAPTURE(line);
    CHECK(code_of(line) == code);
  }
}

TEST_CASE("numbers beyond a double or 64 bits are refused, the largest ones pass") {
  const std::pair<const char*, const char*> cases[] = {
      {"18446744073709551615", ""},
      {"-9223372036854775808", ""},
      {"1.7976931348623157e308", ""},
      {"1e-400", ""},
      {"-0", ""},
      {"18446744073709551616", "number_out_of_range"},
      {"-9223372036854775809", "number_out_of_range"},
      {"100000000000000000000000000", "number_out_of_range"},
      {"1e309", "number_out_of_range"},
      {"-1e999", "number_out_of_range"},
      {"0\"x\"", "invalid_json"},
      {"1\"", "invalid_json"},
  };
  for (const auto& [number, code] : cases) {
    CAPTURE(number);
    CHECK(code_of(with_properties(fmt::format("\"a\":{}", number))) == code);
    CHECK(code_of(with_properties(fmt::format("\"a\":[{}]", number))) == code);
  }
}

TEST_CASE("only a record that could be folded is marked mergeable") {
  const std::pair<const char*, bool> cases[] = {
      {R"({"uid":"u","properties":{"a":1,"b":"x","c":[1,2.5],"d":true,"e":["x"]},"email":"e"})", true},
      {R"({"id":"1"})", true},
      {R"({"uid":"u","properties":{}})", true},
      {R"({"uid":"u","id":"1"})", false},
      {R"({"uid":"u","id":null})", false},
      {R"({"uid":"u","email":null})", false},
      {R"({"uid":"u","email":""})", false},
      {R"({"uid":"u","display_name":""})", false},
      {R"({"uid":"u","schema":{}})", false},
      {R"({"uid":"u","schema":null})", false},
      {R"({"uid":"u","properties":null})", false},
      {R"({"uid":"u","properties":{"a":null}})", false},
      {R"({"uid":"u","properties":{"a":""}})", false},
      {R"({"uid":"u","properties":{"a":[]}})", false},
      {R"({"uid":"u","properties":{"a":[null]}})", false},
      {R"({"uid":"u","properties":{"a":[1,"x"]}})", false},
      {R"({"uid":"u","properties":{"a":[1,true]}})", false},
      {R"({"uid":"u","properties":{"a":[true,false]}})", true},
      {R"({"uid":"u","properties":{"a":{}}})", false},
      {R"({"uid":"u","properties":{"a":{"b":1}}})", false},
      {R"({"uid":"u","properties":{"a":1,"a":1}})", false},
      {R"({"uid":"u","properties":{"a":1,"b":2,"\u0061":1}})", false},
  };
  for (const auto& [line, expected] : cases) {
    CAPTURE(line);
    CHECK(mergeable(line) == expected);
  }
  CHECK(mergeable(with_properties(many(500))));
  CHECK_FALSE(mergeable(with_properties(many(500) + ",\"p0\":1")));
  CHECK_FALSE(mergeable(with_properties(many(500) + "," + many(500))));
}

TEST_CASE("what the last record looked like never changes the verdict on the next") {
  BlockReader reader({}, test_keys());
  const std::string lines[] = {
      with_properties(R"("alpha":1,"beta":2,"gamma":3)"),
      with_properties(R"("alpha":1,"beta":2,"alpha":3)"),
      with_properties(R"("alpha":1,"beta":2,"gamma":3,"alpha":4)"),
      with_properties(R"("alpha":1,"bet":2,"gamma":3)"),
      with_properties(R"("alpha":1,"be a":2,"gamma":3)"),
      with_properties(R"("alpha":1,"a_name_of_sixteen":2,"gamma":3)"),
      with_properties(R"("alpha":1,"a_name_of_s1xteen":2,"gamma":3)"),
      with_properties(R"("alpha":1,"a_name_of_s xteen":2,"gamma":3)"),
      with_properties(R"("alpha":{"beta":1},"alpha":1)"),
      with_properties(R"("a":1)"),
      with_properties(R"("b":1,"a":2)"),
      with_properties(fmt::format("\"a\":1,\"{}\":2,\"c\":3,\"a\":4", std::string(65, 'l'))),
      with_properties(fmt::format("\"a\":1,\"{}\":2,\"c\":3", std::string(64, 'l'))),
      with_properties(fmt::format("\"a\":1,\"{}\":2,\"c\":3", std::string(63, 'l') + " ")),
      with_properties(many(100)),
      with_properties(many(100) + ",\"p3\":1"),
      with_properties(many(70)),
      with_properties(many(501)),
      with_properties(""),
  };
  for (const auto& before : lines) {
    for (const auto& line : lines) {
      (void)reader.check_line(before);
      Record seen;
      Record alone;
      const auto rejection = reader.check_line(line, 0, 1, &seen);
      BlockReader fresh({}, test_keys());
      const auto expected = fresh.check_line(line, 0, 1, &alone);
      CAPTURE(before);
      CAPTURE(line);
      REQUIRE(rejection.has_value() == expected.has_value());
      CHECK(seen.flags == alone.flags);
      if (rejection)
        CHECK(rejection->message == expected->message);
    }
  }
}

TEST_CASE("messages stay short and show no raw control characters") {
  BlockReader reader({}, test_keys());
  const std::string long_name = repeat("\\u001b[31m", 600);
  for (const auto& line :
       {fmt::format(R"({{"uid":"u","{}":1}})", long_name),
        with_properties(fmt::format("\"{}\":1", long_name)),
        with_properties(repeat("\"nnnnnnnnn\":{", 40) + fmt::format("\"{}\":1", long_name) + repeat("}", 40)),
        fmt::format(R"({{"uid":"u","schema":{{"properties":{{"{}":"x"}}}}}})", long_name),
        fmt::format(R"({{"uid":"u","schema":{{"properties":{{"a":"{}"}}}}}})", long_name)}) {
    const auto rejection = reader.check_line(line, 7, 3);
    REQUIRE(rejection);
    CAPTURE(rejection->message);
    CHECK(rejection->message.size() <= 220);
    CHECK(rejection->message.find('\x1b') == std::string::npos);
    CHECK(rejection->offset == 7);
    CHECK(rejection->line == 3);
    CHECK(rejection->length == line.size());
  }
}
