#include "src/app/status_values.hpp"

#include "usherd/core/text.hpp"
#include "usherd/core/units.hpp"
#include "usherd/submit/api_json.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace usherd {
namespace {

constexpr std::size_t kMostAnswer = 8U << 20;
constexpr std::size_t kMostDepth = 16;

}  // namespace

double real_of(const boost::json::value& value) {
  if (value.is_double())
    return value.get_double();
  if (value.is_int64())
    return static_cast<double>(value.get_int64());
  return value.is_uint64() ? static_cast<double>(value.get_uint64()) : 0;
}

const boost::json::value* Values::find(std::string_view name) const {
  return find_member(object_, name);
}

std::string Values::text(std::string_view name) const {
  const auto text = find_string(object_, name);
  return text ? printable(*text, 300) : std::string();
}

std::uint64_t Values::number(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr)
    return 0;
  if (value->is_uint64())
    return value->get_uint64();
  return value->is_int64() && value->get_int64() > 0 ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

double Values::real(std::string_view name) const {
  const auto* value = find(name);
  return value == nullptr ? 0 : real_of(*value);
}

bool Values::flag(std::string_view name) const {
  const auto* value = find(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::optional<std::string> Values::seconds(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr)
    return std::nullopt;
  const double seconds = real_of(*value);
  // Tenths of long times only make them jump.
  const double shown = seconds < 10 ? seconds : std::round(seconds);
  return format_duration(Milliseconds{static_cast<std::int64_t>(shown * 1000)});
}

Values Values::object(std::string_view name) const {
  return Values(find_object(object_, name));
}

const boost::json::array* Values::array(std::string_view name) const {
  const auto* value = find(name);
  return value == nullptr ? nullptr : value->if_array();
}

std::vector<std::string> Values::texts(std::string_view name) const {
  std::vector<std::string> items;
  if (const auto* all = array(name)) {
    for (const auto& item : *all) {
      if (const auto* text = item.if_string())
        items.push_back(printable(*text, 300));
    }
  }
  return items;
}

std::vector<Values> Values::list(std::string_view name) const {
  std::vector<Values> items;
  if (const auto* all = array(name)) {
    for (const auto& item : *all) {
      if (const auto* object = item.if_object())
        items.emplace_back(object);
    }
  }
  return items;
}

Result<Answer> Answer::parse(std::string_view json) {
  auto value = parse_json(json, kMostAnswer, kMostDepth);
  if (!value || !value->is_object())
    return Error{Errc::invalid, "the service's answer cannot be read; is it another version of usherd?"};
  return Answer(std::move(*value));
}

std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(static_cast<std::size_t>(place), ",");
  return digits;
}

std::string short_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"", "K", "M", "G", "T"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1000 && unit + 1 < units.size()) {
    size /= 1024;
    ++unit;
  }
  return unit == 0 || size >= 10 ? fmt::format("{:.0f}{}", size, units[unit])
                                 : fmt::format("{:.1f}{}", size, units[unit]);
}

std::string job_line(const Values& job) {
  const auto name = job.text("job");
  const auto records = job.number("records");
  return fmt::format("batch {:<8} {:<10} {:>9} {:<7} {:>9}  {}", job.number("batch"), job.text("stage"),
                     grouped(records), records == 1 ? "record" : "records",
                     job.seconds("age_seconds").value_or("?"), name.empty() ? "no job yet" : name);
}

}  // namespace usherd
