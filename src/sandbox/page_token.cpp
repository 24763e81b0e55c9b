#include "src/sandbox/page_token.hpp"

#include <fmt/format.h>

#include <charconv>

namespace usherd::sandbox {
namespace {

constexpr std::string_view kHead = "pg/";
constexpr std::string_view kTail = "+A==";
// Decimal digits and the separator, written as letters nobody should read a meaning into.
constexpr std::string_view kPlain = "0123456789.";
constexpr std::string_view kCoded = "QxWvRzTnKmY";

Result<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{})
    return Error{Errc::invalid, "not a page token"};
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (!text.empty() && text.front() == '.')
    text.remove_prefix(1);
  return number;
}

}  // namespace

std::string encode(const PageToken& token) {
  std::string text =
      fmt::format("{}.{}.{}", token.list, token.offset, token.issued.time_since_epoch().count());
  for (char& symbol : text)
    symbol = kCoded[kPlain.find(symbol)];
  return fmt::format("{}{}{}", kHead, text, kTail);
}

Result<PageToken> decode_page_token(std::string_view text) {
  const Error wrong{Errc::invalid, "not a page token"};
  if (text.size() <= kHead.size() + kTail.size() || text.size() > 120 || !text.starts_with(kHead) ||
      !text.ends_with(kTail))
    return wrong;
  std::string plain;
  for (const char symbol : text.substr(kHead.size(), text.size() - kHead.size() - kTail.size())) {
    const auto at = kCoded.find(symbol);
    if (at == std::string_view::npos)
      return wrong;
    plain += kPlain[at];
  }
  std::string_view rest = plain;
  const auto list = take_number(rest);
  const auto offset = take_number(rest);
  const auto issued = take_number(rest);
  if (!list || !offset || !issued || !rest.empty())
    return wrong;
  PageToken token;
  token.list = *list;
  token.offset = *offset;
  token.issued = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(*issued)));
  return token;
}

}  // namespace usherd::sandbox
