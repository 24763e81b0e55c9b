#include "src/sandbox/json_text.hpp"
#include "src/sandbox/property_merge.hpp"
#include "src/sandbox/property_types.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

using namespace usherd::sandbox;

namespace {

namespace dom = simdjson::dom;

/// Keeps the parser whose document it lends.
class Parsed {
 public:
  explicit Parsed(std::string_view text) {
    REQUIRE(parser_.parse(text.data(), text.size()).get(element_) == simdjson::SUCCESS);
  }
  [[nodiscard]] dom::element element() const { return element_; }
  [[nodiscard]] dom::object object() const { return element_.get_object().value(); }

 private:
  dom::parser parser_;
  dom::element element_;
};

std::string merged(std::string_view stored, std::string_view fresh, Merge merge, Nulls nulls) {
  const Parsed old(stored);
  const Parsed update(fresh);
  MergeRules rules;
  rules.merge = merge;
  rules.nulls = nulls;
  return merge_properties(old.object(), update.object(), rules);
}

}  // namespace

TEST_CASE("an update's properties are laid over the stored ones") {
  struct Row {
    std::string_view stored;
    std::string_view fresh;
    std::string_view deep;
    std::string_view shallow;
  };
  constexpr std::array kRows = std::to_array<Row>(
      {{R"({})", R"({"a":1})", R"({"a":1})", R"({"a":1})"},
       {R"({"a":1,"b":2})", R"({"b":3,"c":4})", R"({"a":1,"b":3,"c":4})", R"({"a":1,"b":3,"c":4})"},
       {R"({"a":{"x":1,"y":2}})", R"({"a":{"y":3}})", R"({"a":{"x":1,"y":3}})", R"({"a":{"y":3}})"},
       {R"({"a":{"x":1}})", R"({"a":5})", R"({"a":5})", R"({"a":5})"},
       {R"({"a":5})", R"({"a":{"x":1}})", R"({"a":{"x":1}})", R"({"a":{"x":1}})"},
       {R"({"a":[1,2]})", R"({"a":[3]})", R"({"a":[3]})", R"({"a":[3]})"},
       {R"({"a":1})", R"({"b":1,"b":2})", R"({"a":1,"b":2})", R"({"a":1,"b":2})"},
       {R"({"a":1})", R"({"a":2,"a":3})", R"({"a":3})", R"({"a":3})"}});
  for (const Row& row : kRows) {
    CAPTURE(row.fresh);
    CHECK(merged(row.stored, row.fresh, Merge::deep, Nulls::clear) == row.deep);
    CHECK(merged(row.stored, row.fresh, Merge::shallow, Nulls::clear) == row.shallow);
  }
}

TEST_CASE("a null clears a property or leaves it, and is never stored") {
  CHECK(merged(R"({"a":1,"b":2})", R"({"a":null,"c":null})", Merge::deep, Nulls::clear) == R"({"b":2})");
  CHECK(merged(R"({"a":1,"b":2})", R"({"a":null,"c":null})", Merge::deep, Nulls::ignore) ==
        R"({"a":1,"b":2})");
  CHECK(merged(R"({"a":{"x":1,"y":2}})", R"({"a":{"x":null}})", Merge::deep, Nulls::clear) ==
        R"({"a":{"y":2}})");
}

TEST_CASE("a value above 8192 bytes is dropped and the rest is kept") {
  const std::string fits = R"({"a":")" + std::string(8192, 'x') + R"("})";
  const std::string large = R"({"a":")" + std::string(8193, 'x') + R"(","b":1})";
  CHECK(merged("{}", fits, Merge::deep, Nulls::clear) == fits);
  CHECK(merged(R"({"a":"old"})", large, Merge::deep, Nulls::clear) == R"({"a":"old","b":1})");
}

TEST_CASE("values keep their kind when they are written again") {
  constexpr std::string_view kText =
      R"({"i":-5,"u":18446744073709551615,"r":1.0,"e":1e300,"t":true,"n":null,"s":"a\"\\\u0001é","l":[1,[]],"o":{}})";
  const Parsed parsed(kText);
  std::string out;
  append_json(out, parsed.element());
  const Parsed again(out);
  std::string twice;
  append_json(twice, again.element());
  CHECK(out == twice);
  CHECK(out.find(R"("r":1.0)") != std::string::npos);
  CHECK(out.find(R"("u":18446744073709551615)") != std::string::npos);
  CHECK(out.find(R"("s":"a\"\\\u0001é")") != std::string::npos);
}

TEST_CASE("types are inferred as the contract says") {
  struct Row {
    std::string_view value;
    std::string_view type;
  };
  constexpr std::array kRows = std::to_array<Row>({{"1", "real"},
                                                   {"1.5", "real"},
                                                   {"true", "bool"},
                                                   {R"("text")", "str"},
                                                   {R"("2026-11-24")", "date"},
                                                   {R"("2026-11-24T10:00:00Z")", "date"},
                                                   {R"("2026-11-24 or so")", "str"},
                                                   {"[1,2]", "reals"},
                                                   {"[true]", "bools"},
                                                   {R"(["a"])", "strs"},
                                                   {R"(["2026-11-24"])", "dates"},
                                                   {"[]", "strs"}});
  for (const Row& row : kRows) {
    CAPTURE(row.value);
    const Parsed value(row.value);
    CHECK(inferred_type(value.element()) == row.type);
  }
}

TEST_CASE("a declared type wins, flattened or nested, unless nobody knows it") {
  const Parsed schema(R"({"properties":{"a":"int","b.c":"date","d":{"e":"str"},"f":"colour"}})");
  PropertyTypes types;
  declare(types, schema.object());
  const Parsed stored(R"({"a":1,"b":{"c":"x"},"d":{"e":5},"f":2})");
  CHECK(schema_json(&types, stored.object()) ==
        R"({"properties":{"a":"int","b.c":"date","d.e":"str","f":"real"}})");
}
