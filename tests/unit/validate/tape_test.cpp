#include "src/validate/tape.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using namespace usherd;
namespace dom = simdjson::dom;

namespace {

void describe(std::string& out, dom::element value) {
  switch (value.type()) {
    case dom::element_type::ARRAY:
      out += '[';
      for (const auto inner : dom::array(value))
        describe(out, inner);
      out += ']';
      break;
    case dom::element_type::OBJECT:
      out += '{';
      for (const auto member : dom::object(value)) {
        out.append(member.key).append(":");
        describe(out, member.value);
      }
      out += '}';
      break;
    case dom::element_type::STRING:
      out.append("s").append(std::string_view(value)).append(";");
      break;
    case dom::element_type::INT64:
      out.append("i" + std::to_string(std::int64_t(value)) + ";");
      break;
    case dom::element_type::UINT64:
      out.append("u" + std::to_string(std::uint64_t(value)) + ";");
      break;
    case dom::element_type::DOUBLE:
      out.append("d" + std::to_string(double(value)) + ";");
      break;
    case dom::element_type::BOOL:
      out += bool(value) ? 't' : 'f';
      break;
    case dom::element_type::NULL_VALUE:
      out += 'n';
      break;
  }
}

void describe(std::string& out, const Tape& tape, std::size_t place) {
  switch (tape.kind(place)) {
    case TapeKind::array:
      out += '[';
      for (++place; tape.kind(place) != TapeKind::array_end; place = tape.after(place))
        describe(out, tape, place);
      out += ']';
      break;
    case TapeKind::object:
      out += '{';
      for (++place; tape.kind(place) != TapeKind::object_end; place = tape.after(place + 1)) {
        out.append(tape.string(place)).append(":");
        describe(out, tape, place + 1);
      }
      out += '}';
      break;
    case TapeKind::string:
      out.append("s").append(tape.string(place)).append(";");
      break;
    case TapeKind::int64:
      out.append("i" + std::to_string(tape.number<std::int64_t>(place)) + ";");
      break;
    case TapeKind::uint64:
      out.append("u" + std::to_string(tape.number<std::uint64_t>(place)) + ";");
      break;
    case TapeKind::real:
      out.append("d" + std::to_string(tape.number<double>(place)) + ";");
      break;
    default:
      out += static_cast<char>(tape.kind(place));
  }
}

std::string random_value(std::mt19937& random, int depth) {
  static const std::vector<std::string> kScalars = {"0",
                                                    "-1",
                                                    "18446744073709551615",
                                                    "-9223372036854775808",
                                                    "1.5",
                                                    "-0.0",
                                                    "1e30",
                                                    "true",
                                                    "false",
                                                    "null",
                                                    "\"\"",
                                                    "\"text\"",
                                                    "\"\\u00e9\\n\\\"\"",
                                                    "\"\\u0000\"",
                                                    "\"a longer text than the others\""};
  const auto choice = random() % (depth > 0 ? 5 : 3);
  if (choice < 3)
    return kScalars[random() % kScalars.size()];
  std::string out(1, choice == 3 ? '[' : '{');
  const auto count = random() % 6;
  for (unsigned i = 0; i < count; ++i) {
    out += i == 0 ? "" : ",";
    if (choice == 4)
      out += "\"k" + std::to_string(random() % 4) + "\": ";
    out += random_value(random, depth - 1);
  }
  return out + (choice == 3 ? ']' : '}');
}

}  // namespace

TEST_CASE("the tape walk sees what the public iterators see") {
  std::mt19937 random(7);
  dom::parser parser;
  for (int round = 0; round < 3000; ++round) {
    const auto text = "{\"v\":" + random_value(random, 5) + "}";
    CAPTURE(text);
    dom::element root;
    REQUIRE(parser.parse(simdjson::padded_string(text)).get(root) == simdjson::SUCCESS);
    std::string expected;
    std::string seen;
    describe(expected, root);
    describe(seen, Tape(parser.doc), Tape::kRoot);
    REQUIRE(seen == expected);
  }
}
