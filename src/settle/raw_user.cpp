#include "src/settle/raw_user.hpp"

#include "usherd/core/json_scan.hpp"
#include "usherd/submit/api_json.hpp"

#include <boost/json/value.hpp>

#include <algorithm>

namespace usherd {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::size_t behind_blanks(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kBlank, at), text.size());
}

/// npos: it has no end.
std::size_t value_end(std::string_view text, std::size_t at) {
  if (text[at] == '"')
    return json_string_end(text, at);
  if (text[at] == '{' || text[at] == '[')
    return json_brackets_end(text, at);
  return text.find_first_of(",}", at);
}

std::string decoded(std::string_view quoted) {
  const auto text = parse_json(quoted, quoted.size(), 1);
  return text && text->is_string() ? std::string(text->get_string()) : std::string();
}

}  // namespace

RawUser read_raw_user(std::string_view text) {
  RawUser user;
  auto at = behind_blanks(text, 0);
  if (at == text.size() || text[at] != '{')
    return user;
  ++at;
  while (true) {
    at = behind_blanks(text, at);
    if (at == text.size() || text[at] != '"')
      return user;
    const auto name_end = json_string_end(text, at);
    if (name_end == std::string_view::npos)
      return user;
    const auto name = text.substr(at, name_end - at);
    at = behind_blanks(text, name_end);
    if (at == text.size() || text[at] != ':')
      return user;
    at = behind_blanks(text, at + 1);
    const auto end = at == text.size() ? std::string_view::npos : value_end(text, at);
    if (end == std::string_view::npos)
      return user;
    const auto value = text.substr(at, end - at);
    if (value.front() == '"' && name == "\"uid\"")
      user.uid = decoded(value);
    else if (value.front() == '"' && name == "\"id\"")
      user.id = decoded(value);
    at = text.find_first_of(",}", end);
    if (at == std::string_view::npos || text[at] == '}')
      return user;
    ++at;
  }
}

}  // namespace usherd
