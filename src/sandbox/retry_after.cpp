#include "src/sandbox/retry_after.hpp"

#include "usherd/core/timestamp.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
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

std::optional<std::string> retry_after_header(RetryAfter form, std::uint64_t seconds, WallTime now) {
  switch (form) {
    case RetryAfter::seconds:
      return fmt::format("{}", seconds);
    case RetryAfter::missing:
      break;
    case RetryAfter::zero:
      return "0";
    case RetryAfter::huge:
      return "99999999999";
    case RetryAfter::http_date: {
      // A date has no fraction: it names the end of the second in which the wait is over.
      const auto wait = std::chrono::seconds(static_cast<std::int64_t>(seconds));
      return http_date(std::chrono::ceil<std::chrono::seconds>(now) + wait);
    }
    case RetryAfter::garbage:
      return "soon; maybe";
  }
  return std::nullopt;
}

std::optional<WallTime> announced_wait(const ApiAnswer& answer, WallTime now) {
  for (const auto& [name, value] : answer.headers) {
    if (name != "Retry-After")
      continue;
    std::uint32_t seconds = 0;
    const char* end = value.data() + value.size();
    const auto [rest, failure] = std::from_chars(value.data(), end, seconds);
    if (failure == std::errc{} && rest == end)
      return now + std::chrono::seconds(seconds);
    return parse_http_date(value);
  }
  return std::nullopt;
}

}  // namespace usherd::sandbox
