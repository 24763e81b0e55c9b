#include "src/sandbox/route.hpp"

#include <array>

namespace usherd::sandbox {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Decodes %XX, and in a query '+' as a space; what is not a valid escape stays as it is.
std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string_view take_until(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return head;
}

Call users_call(std::string_view method, bool has_id) {
  if (method == "POST")
    return has_id ? Call::user_update : Call::user_create;
  if (method == "GET")
    return has_id ? Call::user_get : Call::user_list;
  return method == "DELETE" ? Call::user_delete : Call::other;
}

Call batch_call(std::string_view method, const std::vector<std::string>& path) {
  if (path.size() == 3)
    return method == "POST" ? Call::create : Call::other;
  if (method != "GET")
    return Call::other;
  if (path.size() == 4)
    return Call::status;
  if (path.size() == 5 && path[4] == "imports")
    return Call::imports;
  return path.size() == 5 && path[4] == "errors" ? Call::errors : Call::other;
}

}  // namespace

std::optional<std::string_view> Target::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name)
      return value;
  }
  return std::nullopt;
}

Target parse_target(std::string_view text) {
  Target target;
  std::string_view query = text;
  std::string_view path = take_until(query, '?');
  if (!path.empty() && path.front() == '/')
    path.remove_prefix(1);
  constexpr std::size_t kMostParts = 16;
  while (!path.empty() && target.path.size() < kMostParts)
    target.path.push_back(decode(take_until(path, '/'), false));
  while (!query.empty() && target.query.size() < kMostParts) {
    std::string_view value = take_until(query, '&');
    const std::string_view name = take_until(value, '=');
    target.query.emplace_back(decode(name, true), decode(value, true));
  }
  return target;
}

Target parse_target_below(std::string_view base, std::string_view target) {
  if (!target.starts_with(base))
    return {};
  target.remove_prefix(base.size());
  return target.starts_with('/') ? parse_target(target) : Target{};
}

Route route_of(std::string_view method, const Target& target) {
  const auto& path = target.path;
  Route route;
  if (path.size() == 1 && path[0] == "me") {
    route.call = method == "GET" ? Call::me : Call::other;
    return route;
  }
  if (path.size() < 2 || path[0] != "v2" || path[1] != "users")
    return route;
  if (path.size() >= 3 && path[2] == "batch") {
    route.call = batch_call(method, path);
    route.id = path.size() > 3 ? path[3] : std::string();
  } else if (path.size() <= 3) {
    route.call = users_call(method, path.size() == 3);
    route.id = path.size() == 3 ? path[2] : std::string();
  }
  return route;
}

}  // namespace usherd::sandbox
