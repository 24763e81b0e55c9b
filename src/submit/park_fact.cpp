#include "usherd/submit/park_fact.hpp"

#include "usherd/core/timestamp.hpp"

#include <algorithm>
#include <chrono>

namespace usherd {

std::string park_fact(const Parking& parking, ParkReason reason, Instant now) {
  const auto age = now.boot - parking.since(reason).value_or(now.boot);
  return format_rfc3339(now.wall - std::chrono::duration_cast<Milliseconds>(age));
}

std::optional<BootTime> parked_since(std::string_view fact, Instant now) {
  if (fact.empty())
    return std::nullopt;
  const auto since = parse_rfc3339(fact);
  return since ? now.boot - std::max(now.wall - *since, Milliseconds{0}) : now.boot;
}

}  // namespace usherd
