#include "usherd/submit/api_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace usherd {

std::optional<boost::json::value> parse_json(std::string_view text, std::size_t most_bytes,
                                             std::size_t most_depth) {
  if (text.size() > most_bytes)
    return std::nullopt;
  boost::json::parse_options options;
  options.max_depth = most_depth;
  options.allow_invalid_utf8 = true;
  boost::json::error_code failure;
  auto value = boost::json::parse(text, failure, {}, options);
  if (failure)
    return std::nullopt;
  return value;
}

const boost::json::value* find_member(const boost::json::object* object, std::string_view name) {
  const auto* value = object == nullptr ? nullptr : object->if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const boost::json::object* find_object(const boost::json::object* object, std::string_view name) {
  const auto* value = find_member(object, name);
  return value == nullptr ? nullptr : value->if_object();
}

std::optional<std::string_view> find_string(const boost::json::object* object, std::string_view name) {
  const auto* value = find_member(object, name);
  if (value == nullptr || !value->is_string())
    return std::nullopt;
  return std::string_view(value->get_string());
}

std::optional<std::string> to_opaque(const boost::json::value& value) {
  if (const auto* text = value.if_string())
    return std::string(*text);
  if (value.is_number())
    return boost::json::serialize(value);  // a double comes out with an exponent, which no id has
  return std::nullopt;
}

std::optional<std::string> find_opaque(const boost::json::object* object, std::string_view name) {
  const auto* value = find_member(object, name);
  return value == nullptr ? std::nullopt : to_opaque(*value);
}

std::string_view cut_text(std::string_view text, std::size_t most) {
  if (text.size() <= most)
    return text;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  auto end = most;
  while (end > 0 && most - end < 3 && continues(end))
    --end;
  return text.substr(0, continues(end) ? most : end);
}

}  // namespace usherd
