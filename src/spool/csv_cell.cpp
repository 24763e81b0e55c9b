#include "src/spool/csv_cell.hpp"

#include "src/spool/byte_search.hpp"
#include "src/spool/csv_date.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
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

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

/// JSON has no leading zeros.
void append_digits(std::string& out, std::string_view digits) {
  const auto first = digits.find_first_not_of('0');
  if (first == std::string_view::npos)
    out += '0';
  else
    out += digits.substr(first);
}

bool append_whole(std::string& out, std::string_view text) {
  if (take_sign(text))
    out += '-';
  const auto digits = take_digits(text);
  if (digits.empty() || !text.empty())
    return false;
  append_digits(out, digits);
  return true;
}

bool append_real(std::string& out, std::string_view text) {
  if (take_sign(text))
    out += '-';
  const auto digits = take_digits(text);
  const bool point = text.starts_with('.');
  text.remove_prefix(point ? 1 : 0);
  const auto fraction = point ? take_digits(text) : std::string_view{};
  if (digits.empty() && fraction.empty())
    return false;
  append_digits(out, digits);
  if (!fraction.empty())
    out.append(".").append(fraction);
  if (text.empty())
    return true;
  if (text.front() != 'e' && text.front() != 'E')
    return false;
  text.remove_prefix(1);
  out += take_sign(text) ? "e-" : "e";
  const auto exponent = take_digits(text);
  append_digits(out, exponent);
  return !exponent.empty() && text.empty();
}

bool append_bool(std::string& out, std::string_view text) {
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
      out += value ? "true" : "false";
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

bool is_unescaped(std::string_view text) {
  const char* const end = text.data() + text.size();
  const auto* const rest = skip_others<0x20, '\\'>(text.data(), end);
  return std::none_of(rest, end, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\\'; });
}

void append_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char* const end = text.data() + text.size();
    const auto* const stop = std::find_if(skip_others<0x20, '"', '\\'>(text.data(), end), end,
                                          [](char c) { return kEscaped[static_cast<unsigned char>(c)]; });
    const auto plain = static_cast<std::size_t>(stop - text.data());
    out += text.substr(0, plain);
    if (stop == end)
      break;
    if (*stop == '"' || *stop == '\\')
      out.append("\\").push_back(*stop);
    else
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(*stop));
    text.remove_prefix(plain + 1);
  }
  out += '"';
}

bool append_value(std::string& out, CellType type, std::string_view text) {
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

bool append_list(std::string& out, CellType type, std::string_view text) {
  out += '[';
  bool first = true;
  while (true) {
    const auto end = text.find(';');
    auto element = text.substr(0, end);
    element = type == CellType::text ? element : trimmed(element);
    if (!element.empty()) {
      if (!first)
        out += ',';
      first = false;
      if (!append_value(out, type, element))
        return false;
    }
    if (end == std::string_view::npos)
      break;
    text.remove_prefix(end + 1);
  }
  out += ']';
  return true;
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
