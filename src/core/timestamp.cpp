#include "usherd/core/timestamp.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace usherd {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Takes pieces of fixed width off the front of a text; once a piece does not fit, good() is false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  int number(std::size_t width) {
    int value = 0;
    if (rest_.size() < width)
      return fail();
    const auto [end, failure] = std::from_chars(rest_.data(), rest_.data() + width, value);
    if (failure != std::errc{} || end != rest_.data() + width || rest_.front() == '-')
      return fail();
    rest_.remove_prefix(width);
    return value;
  }
  std::string_view take(std::size_t width) {
    if (rest_.size() < width) {
      fail();
      return {};
    }
    const auto piece = rest_.substr(0, width);
    rest_.remove_prefix(width);
    return piece;
  }
  void expect(std::string_view literal) {
    if (take(literal.size()) != literal)
      fail();
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool good() const { return good_; }

 private:
  int fail() {
    good_ = false;
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

std::optional<WallTime> compose(int year, int month, int day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  return WallTime{std::chrono::sys_days{date}} + hours{hour} + minutes{minute} + seconds{second};
}

/// 1 to 12; 0 is no month.
int month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::size_t i = 0; i < months.size(); ++i) {
    if (months[i] == name)
      return static_cast<int>(i) + 1;
  }
  return 0;
}

struct TimeOfDay {
  int hour = 0;
  int minute = 0;
  int second = 0;
};

TimeOfDay scan_time(Scanner& scan) {
  TimeOfDay time;
  time.hour = scan.number(2);
  scan.expect(":");
  time.minute = scan.number(2);
  scan.expect(":");
  time.second = scan.number(2);
  return time;
}

std::optional<WallTime> whole(const Scanner& scan, int year, int month, int day, TimeOfDay time) {
  if (!scan.good() || !scan.rest().empty())
    return std::nullopt;
  return compose(year, month, day, time.hour, time.minute, time.second);
}

/// What follows the name of the day: 06 Nov 1994 08:49:37 GMT, or 06-Nov-94 08:49:37 GMT
std::optional<WallTime> parse_gmt(std::string_view text, std::string_view separator,
                                  std::size_t year_digits) {
  Scanner scan(text);
  scan.expect(", ");
  const int day = scan.number(2);
  scan.expect(separator);
  const int month = month_of(scan.take(3));
  scan.expect(separator);
  int year = scan.number(year_digits);
  scan.expect(" ");
  const auto time = scan_time(scan);
  scan.expect(" GMT");
  // No date that matters here is older than the clock of Unix.
  if (year_digits == 2)
    year += year < 70 ? 2000 : 1900;
  return whole(scan, year, month, day, time);
}

/// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<WallTime> parse_imf_fixdate(std::string_view text) {
  constexpr std::size_t kDayName = 3;
  return text.size() < kDayName ? std::nullopt : parse_gmt(text.substr(kDayName), " ", 4);
}

/// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<WallTime> parse_rfc850_date(std::string_view text) {
  const auto comma = text.find(',');
  return comma == std::string_view::npos ? std::nullopt : parse_gmt(text.substr(comma), "-", 2);
}

/// Sun Nov  6 08:49:37 1994
std::optional<WallTime> parse_asctime_date(std::string_view text) {
  Scanner scan(text);
  scan.take(3);
  scan.expect(" ");
  const int month = month_of(scan.take(3));
  scan.expect(" ");
  const bool is_short = scan.rest().starts_with(' ');
  if (is_short)
    scan.expect(" ");
  const int day = scan.number(is_short ? 1 : 2);
  scan.expect(" ");
  const auto time = scan_time(scan);
  scan.expect(" ");
  const int year = scan.number(4);
  return whole(scan, year, month, day, time);
}

}  // namespace

std::string format_rfc3339(WallTime time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const auto ms = (time - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), ms / 3'600'000,
                     ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  for (const auto parse : {parse_imf_fixdate, parse_rfc850_date, parse_asctime_date}) {
    if (const auto time = parse(text))
      return time;
  }
  return std::nullopt;
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Scanner scan(text);
  const int year = scan.number(4);
  scan.expect("-");
  const int month = scan.number(2);
  scan.expect("-");
  const int day = scan.number(2);
  const auto separator = scan.take(1);
  const int hour = scan.number(2);
  scan.expect(":");
  const int minute = scan.number(2);
  scan.expect(":");
  const int second = scan.number(2);
  if (!scan.good() || (separator != "T" && separator != "t" && separator != " "))
    return std::nullopt;
  auto time = compose(year, month, day, hour, minute, second);
  if (!time)
    return std::nullopt;
  auto rest = scan.rest();
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    std::int64_t scale = 100;
    std::size_t digits = 0;
    for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits, scale /= 10)
      *time += milliseconds{(rest[digits] - '0') * scale};
    if (digits == 0)
      return std::nullopt;
    rest.remove_prefix(digits);
  }
  if (rest == "Z" || rest == "z")
    return time;
  if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-'))
    return std::nullopt;
  Scanner offset(rest.substr(1));
  const int offset_hours = offset.number(2);
  offset.expect(":");
  const int offset_minutes = offset.number(2);
  if (!offset.good() || offset_hours > 23 || offset_minutes > 59)
    return std::nullopt;
  const auto shift = hours{offset_hours} + minutes{offset_minutes};
  return rest[0] == '+' ? *time - shift : *time + shift;
}

}  // namespace usherd
