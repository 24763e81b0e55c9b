#pragma once

#include "usherd/core/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace usherd {

using Milliseconds = std::chrono::milliseconds;

/// Parses "8MiB", "1GiB", "512KiB" or "4096" (bytes). Errors name the accepted units.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// Parses "250ms", "10s", "5m", "2h", "7d" or "0"; a bare number other than 0 is an error, as its unit is a
/// guess.
[[nodiscard]] Result<Milliseconds> parse_duration(std::string_view text);

/// What parse_size and parse_duration take back, exactly: "8MiB", "10m", in the largest unit without a
/// fraction.
[[nodiscard]] std::string spell_size(std::uint64_t bytes);
[[nodiscard]] std::string spell_duration(Milliseconds duration);

/// "8.0 MiB": for people.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// "1h 5m", "3.2s", "250ms": for people.
[[nodiscard]] std::string format_duration(Milliseconds duration);

}  // namespace usherd
