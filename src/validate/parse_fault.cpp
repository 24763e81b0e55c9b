#include "src/validate/parse_fault.hpp"

#include "usherd/core/json_scan.hpp"

#include <simdjson.h>

#include <cctype>

namespace usherd {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at]))
    ++at;
  return at;
}

/// RFC 8259 section 6.
bool is_number_text(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  if (at == text.size() || !is_digit(text[at]))
    return false;
  at = text[at] == '0' ? at + 1 : skip_digits(text, at);
  if (at < text.size() && text[at] == '.') {
    const auto end = skip_digits(text, at + 1);
    if (end == at + 1)
      return false;
    at = end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-'))
      ++at;
    const auto end = skip_digits(text, at);
    if (end == at)
      return false;
    at = end;
  }
  return at == text.size();
}

/// The first number in `text` that is not one by the grammar; empty when all are.
std::string_view malformed_number(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = json_string_end(text, at);
      continue;
    }
    if (text[at] != '-' && !is_digit(text[at])) {
      ++at;
      continue;
    }
    const auto end = std::min(text.find_first_of(" \t\r\n,:]}[{", at), text.size());
    if (!is_number_text(text.substr(at, end - at)))
      return text.substr(at, end - at);
    at = end;
  }
  return {};
}

/// Whether a whole object stands in front of what the parser did not take.
bool has_trailing_data(std::string_view line) {
  const auto start = line.find_first_not_of(kBlanks);
  if (start == std::string_view::npos || line[start] != '{')
    return false;
  const auto end = json_brackets_end(line, start);
  if (end == std::string_view::npos || line.find_first_not_of(kBlanks, end) == std::string_view::npos)
    return false;
  simdjson::dom::parser parser;
  const simdjson::padded_string object(line.substr(start, end - start));
  return parser.parse(object).error() == simdjson::SUCCESS;
}

std::string_view what_is_wrong(simdjson::error_code error) {
  switch (error) {
    case simdjson::STRING_ERROR:
      return "a string holds a bad escape";
    case simdjson::UNESCAPED_CHARS:
      return "a string holds a raw control character: escape it";
    case simdjson::UNCLOSED_STRING:
      return "a string has no closing quote: is the line cut short?";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "a word is neither true, false nor null: strings need quotes";
    default:
      return "commas, colons, quotes or brackets are missing or too many";
  }
}

}  // namespace

bool explain_parse_fault(std::string_view line, simdjson::error_code error, Fault& fault) {
  if (line.find_first_not_of(kBlanks) == std::string_view::npos)
    return fault.set("invalid_json", "the record is empty");
  if (!is_utf8(line))
    return fault.set("invalid_utf8", "the line is not UTF-8: write the file in UTF-8");
  if (line.find('\0') != std::string_view::npos)
    return fault.set("nul_byte",
                     "the line holds NUL bytes: was the file cut short by a crash, or is it UTF-16?");
  if (line.substr(line.find_first_not_of(kBlanks)).starts_with(kByteOrderMark))
    return fault.set("byte_order_mark", "a byte order mark stands before the record: remove it");
  if (error == simdjson::DEPTH_ERROR)
    return fault.set("nesting_too_deep", "the record is nested too deep: flatten it");
  if (has_trailing_data(line))
    return fault.set("trailing_data",
                     "something follows the record's closing brace: write one record a line");
  if (error == simdjson::NUMBER_ERROR) {
    const auto bad = malformed_number(line);
    if (bad.empty())
      return fault.set("number_out_of_range",
                       "a number is beyond what a double or 64 bits can hold: send it as a string");
    return fault.set("invalid_json", "the line is not JSON: " + shown(bad) + " is not a number");
  }
  return fault.set("invalid_json", "the line is not JSON: " + std::string(what_is_wrong(error)));
}

}  // namespace usherd
