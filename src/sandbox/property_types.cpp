#include "src/sandbox/property_types.hpp"

#include "src/sandbox/json_text.hpp"
#include "usherd/core/timestamp.hpp"

#include <algorithm>
#include <array>

namespace usherd::sandbox {
namespace {

namespace dom = simdjson::dom;

constexpr std::array kTypes = std::to_array<std::string_view>(
    {"bool", "bools", "date", "dates", "int", "ints", "real", "reals", "str", "strs"});

bool is_date(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-')
    return false;
  return text.size() == 10 ? parse_rfc3339(std::string(text) + "T00:00:00Z").has_value()
                           : parse_rfc3339(text).has_value();
}

std::string_view inferred_list(dom::array array) {
  for (const dom::element item : array) {
    const std::string_view type = inferred_type(item);
    if (type == "bool")
      return "bools";
    if (type == "date")
      return "dates";
    return type == "real" ? "reals" : "strs";
  }
  return "strs";
}

void append_schema(std::string& out, const PropertyTypes* types, dom::object object,
                   const std::string& prefix) {
  for (const dom::key_value_pair member : object) {
    const std::string path = prefix + std::string(member.key);
    if (member.value.is_object()) {
      append_schema(out, types, member.value.get_object().value_unsafe(), path + ".");
      continue;
    }
    std::string_view type = inferred_type(member.value);
    if (types != nullptr) {
      const auto declared = types->declared.find(path);
      type = declared == types->declared.end() ? type : std::string_view(declared->second);
    }
    if (out.back() != '{')
      out += ',';
    append_quoted(out, path);
    out += ':';
    append_quoted(out, type);
  }
}

void declare_under(PropertyTypes& types, dom::object names, const std::string& prefix) {
  for (const dom::key_value_pair member : names) {
    const std::string path = prefix + std::string(member.key);
    dom::object nested;
    std::string_view type;
    if (member.value.get(nested) == simdjson::SUCCESS) {
      declare_under(types, nested, path + ".");
    } else if (member.value.get(type) == simdjson::SUCCESS &&
               std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end()) {
      types.declared.insert_or_assign(path, std::string(type));
    }
  }
}

}  // namespace

std::string_view inferred_type(dom::element value) {
  if (value.is_bool())
    return "bool";
  if (value.is_number())
    return "real";
  if (value.is_array())
    return inferred_list(value.get_array().value_unsafe());
  return value.is_string() && is_date(value.get_string().value_unsafe()) ? "date" : "str";
}

void declare(PropertyTypes& types, dom::object schema) {
  dom::object names;
  if (schema["properties"].get(names) == simdjson::SUCCESS)
    declare_under(types, names, "");
}

std::string schema_json(const PropertyTypes* types, dom::object properties) {
  std::string out = R"({"properties":{)";
  append_schema(out, types, properties, "");
  out += "}}";
  return out;
}

std::string conflicts_json(const PropertyTypes* types) {
  if (types == nullptr || types->conflicts.empty())
    return {};
  std::string out = R"({"properties":{)";
  for (const auto& [path, seen] : types->conflicts) {
    if (out.back() != '{')
      out += ',';
    append_quoted(out, path);
    out += ":[";
    for (const std::string& type : seen) {
      if (out.back() != '[')
        out += ',';
      append_quoted(out, type);
    }
    out += ']';
  }
  out += "}}";
  return out;
}

}  // namespace usherd::sandbox
