#include "usherd/submit/api_json.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kUnicodeEscape = 6;  // \uXXXX
/// So many digits of an exponent the parser can count with, whatever the digits in front of it add. Longer
/// ones give 0 or infinity all the same.
constexpr std::size_t kMostExponentDigits = 9;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The exponent's digits where the `e` at `at` stands in a number, without zeros in front of them.
std::string_view exponent_digits(std::string_view text, std::size_t at) {
  const auto is_sign = [](char c) { return c == '+' || c == '-'; };
  if (at == 0 || !is_digit(text[at - 1]))
    return {};
  auto rest = text.substr(at + 1);
  rest.remove_prefix(!rest.empty() && is_sign(rest.front()) ? 1 : 0);
  rest = rest.substr(
      0, static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin()));
  return rest.substr(std::min(rest.find_first_not_of('0'), rest.size()));
}

/// The UTF-16 unit that is escaped at `at`.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  const auto escape = text.substr(std::min(at, text.size()), kUnicodeEscape);
  if (escape.size() < kUnicodeEscape || !escape.starts_with("\\u"))
    return std::nullopt;
  unsigned unit = 0;
  const auto* end = escape.data() + escape.size();
  const auto [stop, failure] = std::from_chars(escape.data() + 2, end, unit, 16);
  return failure == std::errc{} && stop == end ? std::optional(unit) : std::nullopt;
}

bool is_first_half(std::optional<unsigned> unit) {
  return unit && (*unit & 0xFC00U) == 0xD800U;
}
bool is_second_half(std::optional<unsigned> unit) {
  return unit && (*unit & 0xFC00U) == 0xDC00U;
}

/// A text that is copied as it stands, but for some places.
class Mending {
 public:
  explicit Mending(std::string_view text) : text_(text) {}
  void half_character(std::size_t at) {
    copy_to(at, kUnicodeEscape);
    out_ += kHalfCharacter;
  }
  void control(std::size_t at) {
    copy_to(at, 1);
    fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned char>(text_[at]));
  }
  /// Gives the place of the exponent's last byte, or that of its `e` where nothing was cut.
  std::size_t exponent(std::size_t at) {
    const auto digits = exponent_digits(text_, at);
    if (digits.size() <= kMostExponentDigits)
      return at;
    const auto end = static_cast<std::size_t>(digits.data() - text_.data()) + digits.size();
    const auto cut = digits.size() - kMostExponentDigits;
    copy_to(end - cut, cut);
    return end - 1;
  }
  [[nodiscard]] std::size_t size() const { return out_.size() + text_.size() - copied_; }
  [[nodiscard]] std::optional<std::string> take() {
    if (copied_ == 0)
      return std::nullopt;
    copy_to(text_.size(), 0);
    return std::move(out_);
  }

 private:
  void copy_to(std::size_t at, std::size_t skipped) {
    out_ += text_.substr(copied_, at - copied_);
    copied_ = at + skipped;
  }
  std::string_view text_;
  std::string out_;
  std::size_t copied_ = 0;
};

}  // namespace

std::optional<std::string> mended_json(std::string_view text, std::size_t most_bytes) {
  Mending mending(text);
  bool inside = false;
  for (std::size_t at = 0; at < text.size() && mending.size() <= most_bytes; ++at) {
    const char c = text[at];
    if (c == '"') {
      inside = !inside;
    } else if (!inside && (c == 'e' || c == 'E')) {
      at = mending.exponent(at);
    } else if (inside && static_cast<unsigned char>(c) < 0x20) {
      mending.control(at);
    } else if (inside && c == '\\') {
      const auto unit = escaped_unit(text, at);
      const bool is_pair = is_first_half(unit) && is_second_half(escaped_unit(text, at + kUnicodeEscape));
      if (!is_pair && (is_first_half(unit) || is_second_half(unit)))
        mending.half_character(at);
      at += is_pair ? 2 * kUnicodeEscape - 1 : unit ? kUnicodeEscape - 1 : 1;
    }
  }
  return mending.size() <= most_bytes ? mending.take() : std::nullopt;
}

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

std::optional<boost::json::value> parse_mended_json(std::string_view text, std::size_t most_bytes,
                                                    std::size_t most_depth) {
  auto value = parse_json(text, most_bytes, most_depth);
  if (value)
    return value;
  const auto mended = mended_json(text, most_bytes);
  return mended ? parse_json(*mended, most_bytes, most_depth) : std::nullopt;
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
