#include "src/batch/flat_record.hpp"

#include "usherd/core/timestamp.hpp"

#include <algorithm>

namespace usherd {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool starts_with_digits(std::string_view text, std::size_t count) {
  return text.size() >= count &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(count), is_digit);
}

/// Whether a lenient reader of ISO 8601 might see a date: 2026-11, 2026-W48, 2026-328, 20261124, 20261124T...
bool may_be_date(std::string_view text) {
  if (starts_with_digits(text, 8))
    return text.size() == 8 || text[8] == 'T';
  return starts_with_digits(text, 4) && text.size() > 5 && text[4] == '-' &&
         (is_digit(text[5]) || text[5] == 'W');
}

}  // namespace

ValueType type_of_text(std::string_view quoted) {
  // Escapes are resolved first: "2026\u002d11-24" is a date too.
  const auto text = unescape(quoted);
  if (!may_be_date(text))
    return ValueType::text;
  if (text.size() == 10 && parse_rfc3339(text + "T00:00:00Z"))
    return ValueType::date;
  const bool moment = parse_rfc3339(text) && text[10] == 'T' && text.back() != 'z';
  return moment ? ValueType::moment : ValueType::unclear;
}

}  // namespace usherd
