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
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  Scanner scan(text);
  scan.take(3);
  scan.expect(", ");
  const int day = scan.number(2);
  scan.expect(" ");
  const auto name = scan.take(3);
  scan.expect(" ");
  const int year = scan.number(4);
  scan.expect(" ");
  const int hour = scan.number(2);
  scan.expect(":");
  const int minute = scan.number(2);
  scan.expect(":");
  const int second = scan.number(2);
  scan.expect(" GMT");
  if (!scan.good() || !scan.rest().empty())
    return std::nullopt;
  for (std::size_t month = 0; month < months.size(); ++month) {
    if (months[month] == name)
      return compose(year, static_cast<int>(month) + 1, day, hour, minute, second);
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
