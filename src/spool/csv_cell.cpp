#include "src/spool/csv_cell.hpp"

#include "src/spool/byte_search.hpp"
#include "src/spool/csv_date.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace usherd {
namespace {

constexpr std::array<bool, 256> make_escaped() {
  std::array<bool, 256> escaped{};
  for (std::size_t c = 0; c < 0x20; ++c)
    escaped[c] = true;
  escaped['"'] = escaped['\\'] = true;
  return escaped;
}
constexpr auto kEscaped = make_escaped();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool take_sign(std::string_view& text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+'))
    text.remove_prefix(1);
  return minus;
}

std::size_t digits_at(std::string_view text, std::size_t from) {
  auto at = from;
  while (at < text.size() && is_digit(text[at]))
    ++at;
  return at - from;
}

std::string_view take_digits(std::string_view& text) {
  const auto digits = text.substr(0, digits_at(text, 0));
  text.remove_prefix(digits.size());
  return digits;
}

/// JSON has no leading zeros.
void append_digits(LineBuffer& out, std::string_view digits) {
  const auto first = digits.find_first_not_of('0');
  if (first == std::string_view::npos)
    out.put('0');
  else
    out.put(digits.substr(first));
}

/// Whether a number is written as JSON writes it, without an exponent.
bool is_json_number(std::string_view text, bool fraction) {
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  const auto whole = digits_at(text, first);
  if (whole == 0 || (whole > 1 && text[first] == '0'))
    return false;
  const auto point = first + whole;
  if (point == text.size())
    return true;
  const auto decimals = text[point] == '.' && fraction ? digits_at(text, point + 1) : 0;
  return decimals > 0 && point + 1 + decimals == text.size();
}

bool append_whole(LineBuffer& out, std::string_view text) {
  if (is_json_number(text, false)) {
    out.put(text);
    return true;
  }
  if (take_sign(text))
    out.put('-');
  const auto digits = take_digits(text);
  if (digits.empty() || !text.empty())
    return false;
  append_digits(out, digits);
  return true;
}

bool append_real(LineBuffer& out, std::string_view text) {
  if (is_json_number(text, true)) {
    out.put(text);
    return true;
  }
  if (take_sign(text))
    out.put('-');
  const auto digits = take_digits(text);
  const bool point = text.starts_with('.');
  text.remove_prefix(point ? 1 : 0);
  const auto fraction = point ? take_digits(text) : std::string_view{};
  if (digits.empty() && fraction.empty())
    return false;
  append_digits(out, digits);
  if (!fraction.empty()) {
    out.put('.');
    out.put(fraction);
  }
  if (text.empty())
    return true;
  if (text.front() != 'e' && text.front() != 'E')
    return false;
  text.remove_prefix(1);
  out.put(take_sign(text) ? "e-" : "e");
  const auto exponent = take_digits(text);
  append_digits(out, exponent);
  return !exponent.empty() && text.empty();
}

bool append_bool(LineBuffer& out, std::string_view text) {
  struct Word {
    std::string_view word;
    bool value;
  };
  static constexpr std::array<Word, 10> kWords{{{"true", true},
                                                {"false", false},
                                                {"1", true},
                                                {"0", false},
                                                {"yes", true},
                                                {"no", false},
                                                {"t", true},
                                                {"f", false},
                                                {"y", true},
                                                {"n", false}}};
  const auto same = [](char typed, char letter) {
    return (typed >= 'A' && typed <= 'Z' ? typed - 'A' + 'a' : typed) == letter;
  };
  for (const auto& [word, value] : kWords) {
    if (std::equal(text.begin(), text.end(), word.begin(), word.end(), same)) {
      out.put(value ? "true" : "false");
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

bool is_unescaped(std::string_view text) {
  // Without an end in the middle the compiler looks at many bytes at once.
  unsigned char found = 0;
  for (const char c : text)
    found |= static_cast<unsigned char>(static_cast<unsigned char>(c) < 0x20) |
             static_cast<unsigned char>(c == '\\');
  return found == 0;
}

void append_text(LineBuffer& out, std::string_view text) {
  out.put('"');
  while (!text.empty()) {
    const char* const end = text.data() + text.size();
    const auto* const stop = std::find_if(skip_others<0x20, '"', '\\'>(text.data(), end), end,
                                          [](char c) { return kEscaped[static_cast<unsigned char>(c)]; });
    const auto plain = static_cast<std::size_t>(stop - text.data());
    out.put(text.substr(0, plain));
    if (stop == end)
      break;
    std::array<char, 6> escape{'\\', *stop};
    if (*stop == '"' || *stop == '\\') {
      out.put(std::string_view(escape.data(), 2));
    } else {
      fmt::format_to(escape.begin() + 1, "u{:04x}", static_cast<unsigned char>(*stop));
      out.put(std::string_view(escape.data(), escape.size()));
    }
    text.remove_prefix(plain + 1);
  }
  out.put('"');
}

bool append_value(LineBuffer& out, CellType type, std::string_view text) {
  switch (type) {
    case CellType::text:
      append_text(out, text);
      return true;
    case CellType::whole:
      return append_whole(out, text);
    case CellType::real:
      return append_real(out, text);
    case CellType::boolean:
      return append_bool(out, text);
    case CellType::date:
      return append_date(out, text);
  }
  return false;
}

std::optional<std::string_view> append_list(LineBuffer& out, CellType type, std::string_view text) {
  out.put('[');
  bool first = true;
  while (true) {
    const auto end = text.find(';');
    auto element = text.substr(0, end);
    element = type == CellType::text ? element : trimmed(element);
    if (!element.empty()) {
      if (!first)
        out.put(',');
      first = false;
      if (!append_value(out, type, element))
        return element;
    }
    if (end == std::string_view::npos)
      break;
    text.remove_prefix(end + 1);
  }
  out.put(']');
  return std::nullopt;
}

std::string_view form_of(CellType type) {
  switch (type) {
    case CellType::whole:
      return "a whole number";
    case CellType::real:
      return "a number with a decimal point";
    case CellType::boolean:
      return "true or false, 1 or 0, yes or no, t or f, y or n";
    case CellType::date:
      return "an ISO 8601 date or time, as 2024-05-31 or 2024-05-31T12:30:00Z";
    case CellType::text:
      break;
  }
  return "text";
}

}  // namespace usherd
