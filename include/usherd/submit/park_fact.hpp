#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/submit/parking.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// What the ledger keeps of a reason that outlives a restart, as a fact of its name: since when it holds, by
/// the calendar, which alone spans two boots.
[[nodiscard]] std::string park_fact(const Parking& parking, ParkReason reason, Instant now);

/// Since when the reason holds that left such a fact; nothing where it does not hold. From now on where the
/// fact tells no time, as those of earlier versions, or one to come.
[[nodiscard]] std::optional<BootTime> parked_since(std::string_view fact, Instant now);

}  // namespace usherd
