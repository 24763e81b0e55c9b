#include "src/spool/csv_date.hpp"

#include <array>
#include <cstddef>

namespace usherd {
namespace {

/// Reads what it is asked for from the front of a text; once something is missing, all of it is bad.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return text_.empty(); }
  [[nodiscard]] bool next_is(std::string_view any) const {
    return !text_.empty() && any.find(text_.front()) != std::string_view::npos;
  }
  void skip() { text_.remove_prefix(1); }
  void expect(char c) {
    if (!next_is(std::string_view(&c, 1)))
      good_ = false;
    else
      skip();
  }
  /// Exactly so many digits; from `low` to `high`.
  int number(std::size_t digits, int low, int high) {
    int value = 0;
    for (std::size_t i = 0; i < digits && good_; ++i) {
      good_ = next_is("0123456789");
      if (good_) {
        value = value * 10 + (text_.front() - '0');
        skip();
      }
    }
    good_ = good_ && value >= low && value <= high;
    return value;
  }
  void fraction() {
    std::size_t digits = 0;
    for (; next_is("0123456789"); ++digits)
      skip();
    good_ = good_ && digits >= 1 && digits <= 9;
  }

 private:
  std::string_view text_;
  bool good_ = true;
};

int days_of(int year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

void read_zone(DateReader& reader) {
  if (reader.next_is("Zz")) {
    reader.skip();
    return;
  }
  if (!reader.next_is("+-"))
    return;
  reader.skip();
  reader.number(2, 0, 23);
  if (reader.at_end())
    return;
  if (reader.next_is(":"))
    reader.skip();
  reader.number(2, 0, 59);
}

void read_time(DateReader& reader) {
  reader.number(2, 0, 23);
  reader.expect(':');
  reader.number(2, 0, 59);
  if (reader.next_is(":")) {
    reader.skip();
    reader.number(2, 0, 60);
    if (reader.next_is(".,")) {
      reader.skip();
      reader.fraction();
    }
  }
  read_zone(reader);
}

char spelt(char c) {
  switch (c) {
    case ' ':
    case 't':
      return 'T';
    case 'z':
      return 'Z';
    case ',':
      return '.';
    default:
      return c;
  }
}

}  // namespace

bool append_date(LineBuffer& out, std::string_view text) {
  DateReader reader(text);
  const int year = reader.number(4, 0, 9999);
  reader.expect('-');
  const int month = reader.number(2, 1, 12);
  reader.expect('-');
  if (!reader.good())
    return false;
  reader.number(2, 1, days_of(year, month));
  if (reader.good() && !reader.at_end()) {
    if (!reader.next_is("Tt "))
      return false;
    reader.skip();
    read_time(reader);
  }
  if (!reader.good() || !reader.at_end())
    return false;
  out.put('"');
  // Of the forms that are taken, only these differ from ISO 8601's own spelling.
  for (const char c : text)
    out.put(spelt(c));
  out.put('"');
  return true;
}

}  // namespace usherd
