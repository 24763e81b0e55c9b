#include "src/settle/user_content.hpp"

#include "usherd/core/text.hpp"
#include "usherd/submit/api_json.hpp"
#include "usherd/submit/json_text.hpp"

#include <boost/json/value.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <vector>

namespace usherd {
namespace {

namespace json = boost::json;

/// A record of 1 MiB, each byte of it escaped as \u00XX. Nothing longer is one that was sent.
constexpr std::size_t kMostBytes = 6U << 20;
constexpr std::size_t kMostDepth = 1100;
/// Whole numbers up to here have one form, however they are written.
constexpr double kExact = 9007199254740992.0;

/// How much of a user's value stands in a text.
enum class Form : std::uint8_t { normal, full };

void append_number(std::string& out, const json::value& value, Form form) {
  const auto number = value.to_number<double>();
  if (form == Form::full && value.is_int64())
    fmt::format_to(std::back_inserter(out), "{}", value.get_int64());
  else if (form == Form::full && value.is_uint64())
    fmt::format_to(std::back_inserter(out), "{}", value.get_uint64());
  else if (std::isnan(number))
    out += '0';  // which the parser makes of a zero with an exponent past that of a double
  else if (std::abs(number) <= kExact && std::floor(number) == number)
    fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(number));
  else
    fmt::format_to(std::back_inserter(out), "{:.{}g}", number, form == Form::full ? 17 : 15);
}

/// Bytes that are not UTF-8 stay as they are: no record of ours holds any, and what is shown in their stead
/// it may.
void append_text(std::string& out, std::string_view text) {
  if (is_utf8(text))
    append_json_string(out, text);
  else
    out.append("\"").append(text).append("\"");
}

bool is_empty(const json::value& value) {
  if (const auto* object = value.if_object())
    return std::all_of(object->begin(), object->end(),
                       [](const auto& member) { return is_empty(member.value()); });
  const auto* array = value.if_array();
  const auto* text = value.if_string();
  return value.is_null() || (array != nullptr && array->empty()) || (text != nullptr && text->empty());
}

void append_value(std::string& out, const json::value& value, Form form);

void append_object(std::string& out, const json::object& object, Form form) {
  std::vector<const json::key_value_pair*> members;
  for (const auto& entry : object) {
    if (form == Form::full || !is_empty(entry.value()))
      members.push_back(&entry);
  }
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
  out += '{';
  for (const auto* entry : members) {
    append_text(out, entry->key());
    out += ':';
    append_value(out, entry->value(), form);
    out += ',';
  }
  out += '}';
}

void append_value(std::string& out, const json::value& value, Form form) {
  if (const auto* object = value.if_object()) {
    append_object(out, *object, form);
  } else if (const auto* array = value.if_array()) {
    out += '[';
    for (const auto& element : *array) {
      append_value(out, element, form);
      out += ',';
    }
    out += ']';
  } else if (const auto* text = value.if_string()) {
    append_text(out, *text);
  } else if (value.is_number()) {
    append_number(out, value, form);
  } else {
    out += value.is_null() ? "null" : value.get_bool() ? "true" : "false";
  }
}

}  // namespace

std::optional<UserContent> read_user_content(std::string_view text) {
  const auto document = parse_mended_json(text, kMostBytes, kMostDepth);
  const auto* user = document ? document->if_object() : nullptr;
  if (user == nullptr)
    return std::nullopt;
  UserContent content;
  content.uid = find_opaque(text, "uid").value_or("");
  content.id = find_opaque(text, "id").value_or("");
  for (const std::string_view name : {"display_name", "email", "properties", "schema"}) {
    const auto* value = user->if_contains(name);
    if (value != nullptr && name != "schema" && !is_empty(*value))
      append_value(content.content, *value, Form::normal);
    content.content += ';';
    if (value != nullptr)
      append_value(content.value, *value, Form::full);
    content.value += ';';
    content.text.append(find_member_text(text, name)).append(1, ';');
  }
  return content;
}

}  // namespace usherd
