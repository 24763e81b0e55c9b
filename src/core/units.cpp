#include "usherd/core/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace usherd {
namespace {

constexpr std::uint64_t kMostSize = std::numeric_limits<std::int64_t>::max();
/// The smallest first; each is a multiple of the one before.
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> kSizeUnits{
    {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kDurationUnits{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

struct Number {
  std::uint64_t value = 0;
  std::string_view unit;
};

/// Nothing where the text does not start with a whole number. One beyond 64 bits is the largest there is.
std::optional<Number> split_number(std::string_view text) {
  Number number;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number.value);
  if (failure == std::errc::result_out_of_range)
    number.value = std::numeric_limits<std::uint64_t>::max();
  else if (failure != std::errc{})
    return std::nullopt;
  number.unit = std::string_view(rest, static_cast<std::size_t>(end - rest));
  return number;
}

Result<std::uint64_t> scaled(std::uint64_t value, std::uint64_t unit, std::uint64_t most,
                             std::string_view text) {
  if (value > most / unit)
    return Error{Errc::invalid, fmt::format("'{}' is too large", text)};
  return value * unit;
}

template <class Units>
std::string spelled(std::uint64_t value, const Units& units) {
  std::size_t unit = 0;
  while (value > 0 && unit + 1 < units.size() && value % units[unit + 1].second == 0)
    ++unit;
  return fmt::format("{}{}", value / units[unit].second, units[unit].first);
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto number = split_number(text);
  if (number && number->unit.empty())
    return scaled(number->value, 1, kMostSize, text);
  for (const auto& [name, factor] : kSizeUnits) {
    if (number && number->unit == name)
      return scaled(number->value, factor, kMostSize, text);
  }
  return Error{Errc::invalid,
               fmt::format("'{}' is not a size: write a whole number with KiB, MiB or GiB", text)};
}

Result<Milliseconds> parse_duration(std::string_view text) {
  const auto number = split_number(text);
  if (number && number->unit.empty() && number->value == 0)
    return Milliseconds{0};
  // A century is more than any setting means and keeps sums of deadlines far from overflow.
  constexpr std::uint64_t kMost = 36'525ULL * 86'400'000ULL;
  for (const auto& [name, factor] : kDurationUnits) {
    if (number && number->unit == name) {
      const auto total = scaled(number->value, factor, kMost, text);
      if (!total)
        return total.error();
      return Milliseconds{static_cast<std::int64_t>(*total)};
    }
  }
  return Error{Errc::invalid,
               fmt::format("'{}' is not a duration: write a whole number with ms, s, m, h or d", text)};
}

std::string spell_size(std::uint64_t bytes) {
  return spelled(bytes, kSizeUnits);
}

std::string spell_duration(Milliseconds duration) {
  return spelled(static_cast<std::uint64_t>(duration.count()), kDurationUnits);
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> names{"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024)
    return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // What would round to 1024.0 is one of the next unit.
  while (value >= 1023.95 && unit + 1 < names.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, names[unit]);
}

std::string format_duration(Milliseconds duration) {
  const auto ms = duration.count();
  if (ms < 1000)
    return fmt::format("{}ms", ms);
  if (ms < 60'000)
    return fmt::format("{}.{}s", ms / 1000, ms / 100 % 10);
  const auto seconds = ms / 1000;
  if (seconds < 3600)
    return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  if (seconds < 86'400)
    return fmt::format("{}h {}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d {}h", seconds / 86'400, seconds / 3600 % 24);
}

}  // namespace usherd
