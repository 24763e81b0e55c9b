#include "usherd/spool/logged_reason.hpp"

#include "usherd/spool/convert.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace usherd {
namespace {

/// Takes "WORD NUMBER" off the front of `text`; empty, and nothing is taken, where that is not there.
std::string_view take_numbered(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word))
    return {};
  const auto end = std::min(text.find_first_not_of("0123456789", word.size()), text.size());
  if (end == word.size())
    return {};
  const auto taken = text.substr(0, end);
  text.remove_prefix(end);
  return taken;
}

}  // namespace

std::string logged_reason(std::string_view code, std::string_view message) {
  if (code != kBadHeader)
    return std::string(message);
  const auto line = take_numbered(message, "line ");
  if (line.empty())
    return {};
  message.remove_prefix(std::min<std::size_t>(2, message.size()));
  const auto column = take_numbered(message, "column ");
  return column.empty() ? std::string(line) : fmt::format("{}, {}", line, column);
}

}  // namespace usherd
