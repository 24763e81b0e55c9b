#pragma once

#include <span>
#include <string_view>

namespace usherd {

/// The candidate that differs from `given` by the fewest typing mistakes (a letter more, less, wrong, or two
/// swapped); empty where even that one is too far to be meant.
[[nodiscard]] std::string_view nearest(std::string_view given, std::span<const std::string_view> candidates);

}  // namespace usherd
