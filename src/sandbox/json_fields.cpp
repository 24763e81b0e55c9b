#include "src/sandbox/json_fields.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

namespace usherd::sandbox {
namespace {

bool is_default(std::string_view value) {
  return value == "0" || value == "\"\"" || value == "[]" || value == "{}" || value == "false" ||
         value == "null";
}

}  // namespace

JsonFields& JsonFields::text(std::string_view name, std::string_view value) {
  std::string quoted;
  append_json_string(quoted, value);
  return json(name, std::move(quoted));
}

JsonFields& JsonFields::number(std::string_view name, std::uint64_t value) {
  return json(name, fmt::format("{}", value));
}

JsonFields& JsonFields::json(std::string_view name, std::string value) {
  if (!quirks_.omit_defaults || !is_default(value))
    members_.emplace_back(name, std::move(value));
  return *this;
}

JsonFields& JsonFields::nothing(std::string_view name) {
  if (quirks_.explicit_nulls)
    members_.emplace_back(name, "null");
  return *this;
}

std::string JsonFields::str() {
  if (quirks_.extra_fields) {
    members_.emplace_back("request_trace", R"({"hops":[1,2.5e3,null],"text":"\u00e9\n}"})");
    members_.emplace_back("x_unknown", "-7");
  }
  if (quirks_.shuffle_fields) {
    for (std::size_t i = members_.size(); i > 1; --i)
      std::swap(members_[i - 1], members_[random_.up_to(i - 1)]);
  }
  std::string out = "{";
  for (const auto& [name, value] : members_) {
    if (out.size() > 1)
      out += ',';
    append_json_string(out, name);
    out += ':';
    out += value;
  }
  out += '}';
  return out;
}

}  // namespace usherd::sandbox
