#include "usherd/submit/json_text.hpp"

#include "usherd/core/json_scan.hpp"
#include "usherd/submit/api_json.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace usherd {
namespace {

namespace json = boost::json;

/// Takes every event and keeps nothing.
struct Heedless {
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  using Code = json::error_code;
  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return true; }
  bool on_object_end(std::size_t, Code&) { return true; }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(std::size_t, Code&) { return true; }
  bool on_key_part(json::string_view, std::size_t, Code&) { return true; }
  bool on_key(json::string_view, std::size_t, Code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, Code&) { return true; }
  bool on_string(json::string_view, std::size_t, Code&) { return true; }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Code&) { return true; }
  bool on_double(double, json::string_view, Code&) { return true; }
  bool on_bool(bool, Code&) { return true; }
  bool on_null(Code&) { return true; }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }
};

constexpr std::string_view kBlanks = " \t\r\n";
/// What mending makes of a text at most, which has escapes for control characters.
constexpr std::size_t kMostGrowth = 6;

/// Takes the value that `rest` begins with off it.
std::string_view take_value(std::string_view& rest) {
  const char first = rest.empty() ? '\0' : rest.front();
  const auto end = first == '"'                   ? json_string_end(rest, 0)
                   : first == '{' || first == '[' ? json_brackets_end(rest, 0)
                                                  : rest.find_first_of(",]} \t\r\n");
  const auto value = rest.substr(0, end);
  rest.remove_prefix(value.size());
  return value;
}

/// Takes blanks and one of the marks between values off the front.
void skip(std::string_view& rest, char mark) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  if (!rest.empty() && rest.front() == mark)
    rest.remove_prefix(1);
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
}

std::string_view inside(std::string_view text, char open) {
  text = without_blanks(text);
  return text.size() >= 2 && text.front() == open ? text.substr(1, text.size() - 2) : std::string_view();
}

bool is_name(std::string_view quoted, std::string_view name) {
  const auto plain = quoted.substr(1, quoted.size() - 2);
  if (plain.find('\\') == std::string_view::npos)
    return plain == name;
  const auto decoded = parse_json(quoted, quoted.size(), 1);
  return decoded && decoded->is_string() && std::string_view(decoded->get_string()) == name;
}

}  // namespace

bool is_whole_json(std::string_view text, std::size_t most_depth) {
  json::parse_options options;
  options.max_depth = most_depth;
  options.allow_invalid_utf8 = true;
  json::basic_parser<Heedless> parser(options);
  json::error_code failure;
  const auto used = parser.write_some(false, text.data(), text.size(), failure);
  return !failure && used == text.size();
}

std::string_view without_blanks(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

std::string_view find_member_text(std::string_view object, std::string_view name) {
  std::string_view found;
  auto rest = inside(object, '{');
  skip(rest, ',');
  while (!rest.empty()) {
    const auto key = take_value(rest);
    skip(rest, ':');
    const auto value = take_value(rest);
    if (is_name(key, name))
      found = value;
    skip(rest, ',');
  }
  return found == "null" ? std::string_view() : found;
}

std::optional<std::string> find_opaque(std::string_view object, std::string_view name) {
  const auto text = find_member_text(object, name);
  const char first = text.empty() ? '\0' : text.front();
  if (first == '-' || (first >= '0' && first <= '9'))
    return std::string(text);
  if (first != '"')
    return std::nullopt;
  const auto decoded = parse_mended_json(text, kMostGrowth * text.size(), 1);
  const auto* plain = decoded ? decoded->if_string() : nullptr;
  return plain == nullptr ? std::nullopt : std::optional<std::string>(std::string_view(*plain));
}

ElementTexts::ElementTexts(std::string_view array) : rest_(inside(array, '[')) {
  skip(rest_, ',');
}

std::optional<std::string_view> ElementTexts::next() {
  if (rest_.empty())
    return std::nullopt;
  const auto element = take_value(rest_);
  skip(rest_, ',');
  return element;
}

}  // namespace usherd
