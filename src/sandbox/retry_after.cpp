#include "retry_after.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string_view>

namespace usherd::sandbox {

std::string http_date(WallTime time) {
  constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

RetryAfterHeader retry_after_header(RetryAfter form, std::uint64_t seconds, WallTime now) {
  const auto wait = std::chrono::seconds(static_cast<std::int64_t>(seconds));
  RetryAfterHeader header;
  switch (form) {
    case RetryAfter::seconds:
      header.value = fmt::format("{}", seconds);
      header.until = now + wait;
      break;
    case RetryAfter::missing:
      break;
    case RetryAfter::zero:
      header.value = "0";
      break;
    case RetryAfter::huge:
      header.value = "99999999999";
      break;
    case RetryAfter::http_date:
      // A date has no fraction: what it names is the end of the second in which the wait is over.
      header.until = std::chrono::ceil<std::chrono::seconds>(now) + wait;
      header.value = http_date(*header.until);
      break;
    case RetryAfter::garbage:
      header.value = "soon; maybe";
      break;
  }
  return header;
}

}  // namespace usherd::sandbox
