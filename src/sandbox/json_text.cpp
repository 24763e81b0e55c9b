#include "src/sandbox/json_text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>

namespace usherd::sandbox {
namespace {

namespace dom = simdjson::dom;

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 40> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (std::is_floating_point_v<Number> && text.find_first_of(".e") == std::string_view::npos)
    out += ".0";
}

void append_array(std::string& out, dom::array array) {
  out += '[';
  bool first = true;
  for (const dom::element item : array) {
    if (!first)
      out += ',';
    first = false;
    append_json(out, item);
  }
  out += ']';
}

void append_object(std::string& out, dom::object object) {
  out += '{';
  bool first = true;
  for (const dom::key_value_pair member : object) {
    if (!first)
      out += ',';
    first = false;
    append_quoted(out, member.key);
    out += ':';
    append_json(out, member.value);
  }
  out += '}';
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\')
      continue;
    out += text.substr(done, i - done);
    done = i + 1;
    if (byte >= 0x20) {
      out += '\\';
      out += text[i];
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    }
  }
  out += text.substr(done);
  out += '"';
}

std::size_t value_bytes(dom::element value) {
  if (value.is_string())
    return value.get_string().value_unsafe().size();
  std::string text;
  append_json(text, value);
  return text.size();
}

void append_json(std::string& out, dom::element value) {
  switch (value.type()) {
    case dom::element_type::ARRAY:
      return append_array(out, value.get_array().value_unsafe());
    case dom::element_type::OBJECT:
      return append_object(out, value.get_object().value_unsafe());
    case dom::element_type::INT64:
      return append_number(out, value.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return append_number(out, value.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE:
      return append_number(out, value.get_double().value_unsafe());
    case dom::element_type::STRING:
      return append_quoted(out, value.get_string().value_unsafe());
    case dom::element_type::BOOL:
      out += value.get_bool().value_unsafe() ? "true" : "false";
      return;
    case dom::element_type::NULL_VALUE:
      out += "null";
      return;
  }
}

}  // namespace usherd::sandbox
