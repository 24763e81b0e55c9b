#include "src/sandbox/setting_values.hpp"

#include <fmt/format.h>

#include <charconv>

namespace usherd::sandbox {
namespace json = boost::json;
namespace {

template <class Number>
Result<Number> number_from(std::string_view text, std::string_view hint) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc{} || rest != end)
    return Error{Errc::invalid, std::string(hint)};
  return number;
}

}  // namespace

Result<void> read_value(bool& into, const json::value& from) {
  const bool is_text = from.is_string() && (from.get_string() == "true" || from.get_string() == "false");
  if (!from.is_bool() && !is_text)
    return Error{Errc::invalid, "takes true or false"};
  into = from.is_bool() ? from.get_bool() : from.get_string() == "true";
  return {};
}

Result<void> read_value(double& into, const json::value& from) {
  double number = 0;
  if (from.is_string()) {
    const auto parsed = number_from<double>(from.get_string(), "takes a number");
    if (!parsed)
      return parsed.error();
    number = *parsed;
  } else {
    boost::json::error_code failure;
    number = from.to_number<double>(failure);
    if (failure)
      return Error{Errc::invalid, "takes a number"};
  }
  if (!(number >= 0 && number <= 1e12))
    return Error{Errc::invalid, "takes a number that is not negative"};
  into = number;
  return {};
}

Result<void> read_value(std::uint64_t& into, const json::value& from) {
  if (from.is_string()) {
    const auto size = parse_size(from.get_string());
    if (!size)
      return Error{Errc::invalid, "takes a whole number, for sizes also with KiB, MiB or GiB"};
    into = *size;
    return {};
  }
  boost::json::error_code failure;
  const auto number = from.to_number<std::uint64_t>(failure);
  if (failure)
    return Error{Errc::invalid, "takes a whole number that is not negative"};
  into = number;
  return {};
}

Result<void> read_value(std::int64_t& into, const json::value& from) {
  constexpr std::string_view kHint = "takes a whole number";
  if (from.is_string()) {
    const auto parsed = number_from<std::int64_t>(from.get_string(), kHint);
    if (!parsed)
      return parsed.error();
    into = *parsed;
    return {};
  }
  boost::json::error_code failure;
  const auto number = from.to_number<std::int64_t>(failure);
  if (failure)
    return Error{Errc::invalid, std::string(kHint)};
  into = number;
  return {};
}

Result<void> read_value(std::string& into, const json::value& from) {
  if (!from.is_string())
    return Error{Errc::invalid, "takes text"};
  into = std::string_view(from.get_string());
  return {};
}

Result<void> read_value(Milliseconds& into, const json::value& from) {
  const auto duration =
      from.is_string() ? parse_duration(from.get_string()) : Result<Milliseconds>(Error{Errc::invalid, ""});
  if (!duration)
    return Error{Errc::invalid, "takes a duration such as 200ms, 10s, 5m or 24h"};
  into = *duration;
  return {};
}

Result<void> read_value(JobTime& into, const json::value& from) {
  if (from.is_string() && from.get_string() == "manual") {
    into.manual = true;
    return {};
  }
  Milliseconds fixed{};
  if (!read_value(fixed, from))
    return Error{Errc::invalid, "takes a duration such as 200ms, or manual"};
  into.manual = false;
  into.fixed = fixed;
  return {};
}

json::value written(bool value) {
  return json::value(value);
}
json::value written(double value) {
  return json::value(value);
}
json::value written(std::uint64_t value) {
  return json::value(value);
}
json::value written(std::int64_t value) {
  return json::value(value);
}
json::value written(const std::string& value) {
  return json::value(value);
}
json::value written(Milliseconds value) {
  return json::value(fmt::format("{}ms", value.count()));
}
json::value written(const JobTime& value) {
  return value.manual ? json::value("manual") : written(value.fixed);
}

}  // namespace usherd::sandbox
