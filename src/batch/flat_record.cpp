#include "src/batch/flat_record.hpp"

#include <algorithm>
#include <cstdint>

namespace usherd {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// Takes the text of a record apart from the left. Every take_ skips blanks first and fails without a crash
/// on whatever does not fit.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : left_(text) {}

  bool take(char c) {
    skip_blanks();
    if (left_.empty() || left_.front() != c)
      return false;
    left_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] char next() {
    skip_blanks();
    return left_.empty() ? '\0' : left_.front();
  }
  /// A string with its quotes; empty when there is none.
  std::string_view take_string() {
    if (next() != '"')
      return {};
    for (std::size_t at = 1; at < left_.size(); ++at) {
      if (left_[at] == '"')
        return cut(at + 1);
      if (left_[at] == '\\')
        ++at;
    }
    return {};
  }
  /// A number or a word.
  std::string_view take_word() {
    skip_blanks();
    return cut(std::min(left_.find_first_of(" \t\r\n,]}"), left_.size()));
  }
  [[nodiscard]] const char* at() const { return left_.data(); }
  [[nodiscard]] bool at_end() { return next() == '\0' && left_.empty(); }

 private:
  void skip_blanks() { left_.remove_prefix(std::min(left_.find_first_not_of(kBlanks), left_.size())); }
  std::string_view cut(std::size_t length) {
    const auto taken = left_.substr(0, length);
    left_.remove_prefix(length);
    return taken;
  }

  std::string_view left_;
};

struct Value {
  std::string_view text;
  ValueType type;
};

std::optional<Value> take_scalar(Cursor& cursor) {
  const char c = cursor.next();
  if (c == '"') {
    const auto text = cursor.take_string();
    if (text.size() <= 2)
      return std::nullopt;
    return Value{text, type_of_text(text)};
  }
  const auto word = cursor.take_word();
  if (word == "true" || word == "false")
    return Value{word, ValueType::boolean};
  if (c == '-' || (c >= '0' && c <= '9'))
    return Value{word, ValueType::number};
  return std::nullopt;
}

ValueType array_of(ValueType type) {
  switch (type) {
    case ValueType::text:
      return ValueType::texts;
    case ValueType::date:
      return ValueType::dates;
    case ValueType::moment:
      return ValueType::moments;
    case ValueType::number:
      return ValueType::numbers;
    case ValueType::boolean:
      return ValueType::booleans;
    default:
      return ValueType::unclear;
  }
}

std::optional<Value> take_value(Cursor& cursor) {
  if (cursor.next() != '[')
    return take_scalar(cursor);
  const char* const start = cursor.at();
  cursor.take('[');
  std::optional<ValueType> type;
  do {
    const auto element = take_scalar(cursor);
    if (!element)
      return std::nullopt;
    const bool json_type_differs =
        type && (*type == ValueType::number || *type == ValueType::boolean ||
                 element->type == ValueType::number || element->type == ValueType::boolean);
    if (!type)
      type = element->type;
    else if (*type != element->type && json_type_differs)
      return std::nullopt;
    else if (*type != element->type)
      type = ValueType::unclear;
  } while (cursor.take(','));
  if (!cursor.take(']'))
    return std::nullopt;
  return Value{{start, static_cast<std::size_t>(cursor.at() - start)}, array_of(*type)};
}

bool take_properties(Cursor& cursor, FlatRecord& record) {
  record.has_properties = true;
  if (!cursor.take('{'))
    return false;
  if (cursor.take('}'))
    return true;
  do {
    const auto name = cursor.take_string();
    if (name.size() <= 2 || !cursor.take(':'))
      return false;
    const auto value = take_value(cursor);
    if (!value)
      return false;
    record.properties.push_back({unescape(name), value->text, value->type});
  } while (cursor.take(','));
  return cursor.take('}');
}

bool take_member(Cursor& cursor, FlatRecord& record) {
  const auto quoted = cursor.take_string();
  if (quoted.empty() || !cursor.take(':'))
    return false;
  const auto name = unescape(quoted);
  if (name == "properties")
    return !record.has_properties && take_properties(cursor, record);
  std::string_view* const member = name == "uid"            ? &record.uid
                                   : name == "id"           ? &record.id
                                   : name == "display_name" ? &record.display_name
                                   : name == "email"        ? &record.email
                                                            : nullptr;
  if (member == nullptr || !member->empty())
    return false;
  *member = cursor.take_string();
  return member->size() > 2;
}

bool names_are_unique(const FlatRecord& record) {
  std::vector<std::string_view> names;
  names.reserve(record.properties.size());
  for (const auto& property : record.properties)
    names.push_back(property.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

std::uint32_t hex_digits(std::string_view text) {
  std::uint32_t value = 0;
  for (const char c : text) {
    const auto digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    value = value * 16 + static_cast<std::uint32_t>(digit & 0xF);
  }
  return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | (point >> 6));
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | (point >> 12));
    byte(0x80 | ((point >> 6) & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | (point >> 18));
    byte(0x80 | ((point >> 12) & 0x3F));
    byte(0x80 | ((point >> 6) & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
}

/// Appends what the \u escape at the head of `text` stands for and returns its length.
std::size_t append_code_point(std::string& out, std::string_view text) {
  const auto unit = hex_digits(text.substr(2, 4));
  const bool pair = unit >= 0xD800 && unit < 0xDC00 && text.size() >= 12;
  append_utf8(out,
              pair ? 0x10000 + ((unit - 0xD800) << 10) + (hex_digits(text.substr(8, 4)) - 0xDC00) : unit);
  return pair ? 12 : 6;
}

}  // namespace

std::string unescape(std::string_view quoted) {
  auto text = quoted.substr(1, quoted.size() - 2);
  std::string out;
  for (;;) {
    const auto backslash = text.find('\\');
    out.append(text.substr(0, backslash));
    if (backslash == std::string_view::npos || text.size() - backslash < 2)
      return out;
    text.remove_prefix(backslash);
    if (text[1] == 'u' && text.size() >= 6) {
      text.remove_prefix(append_code_point(out, text));
      continue;
    }
    constexpr std::string_view kEscapes = "bfnrt";
    const auto known = kEscapes.find(text[1]);
    out += known == std::string_view::npos ? text[1] : "\b\f\n\r\t"[known];
    text.remove_prefix(2);
  }
}

std::optional<FlatRecord> parse_flat_record(std::string_view text) {
  Cursor cursor(text);
  FlatRecord record;
  if (!cursor.take('{'))
    return std::nullopt;
  do {
    if (!take_member(cursor, record))
      return std::nullopt;
  } while (cursor.take(','));
  if (!cursor.take('}') || !cursor.at_end() || record.uid.empty() == record.id.empty() ||
      !names_are_unique(record))
    return std::nullopt;
  return record;
}

}  // namespace usherd
