#include "src/sandbox/user_json.hpp"

#include "src/sandbox/json_text.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <iterator>

namespace usherd::sandbox {

std::string user_json(const UserStore& users, UserStore::Number number, bool include_schema,
                      const Quirks& quirks, Random& random) {
  const User& user = users.at(number);
  JsonFields fields(quirks, random);
  fields.text("id", UserStore::id_of(number));
  if (user.identified)
    fields.text("uid", user.uid);
  if (!user.display_name.empty())
    fields.text("display_name", user.display_name);
  if (!user.email.empty())
    fields.text("email", user.email);
  fields.json("properties", user.properties);
  const std::string conflicts = conflicts_json(user.types.get());
  if (!include_schema) {
    fields.nothing("schema").nothing("type_conflicts");
    return fields.str();
  }
  simdjson::dom::parser parser;
  simdjson::dom::object properties;
  if (parser.parse(user.properties).get(properties) == simdjson::SUCCESS)
    fields.json("schema", schema_json(user.types.get(), properties));
  if (conflicts.empty()) {
    fields.nothing("type_conflicts");
  } else {
    fields.json("type_conflicts", conflicts);
  }
  return fields.str();
}

std::string unstored_id(std::string_view key) {
  return fmt::format("{}", (XXH3_64bits(key.data(), key.size()) >> 2) | (1ULL << 62));
}

std::string oracle_user_json(const UserStore& users, UserStore::Number number) {
  const User& user = users.at(number);
  std::string out = "{\"uid\":";
  if (user.identified) {
    append_quoted(out, user.uid);
  } else {
    out += "null";
  }
  out += R"(,"id":)";
  append_quoted(out, UserStore::id_of(number));
  out += R"(,"display_name":)";
  append_quoted(out, user.display_name);
  out += R"(,"email":)";
  append_quoted(out, user.email);
  out += R"(,"properties":)";
  out += user.properties;
  fmt::format_to(std::back_inserter(out), R"(,"updates":{}}})", user.updates);
  return out;
}

}  // namespace usherd::sandbox
