#include "usherd/submit/park_fact.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr Instant kNow{BootTime(5h), WallTime(1'800'000'000'000ms)};
/// The same machine after a restart three hours later.
constexpr Instant kLater{BootTime(1min), kNow.wall + 3h};

}  // namespace

TEST_CASE("A park reason's fact tells another boot since when it holds") {
  Parking parking;
  parking.park(ParkReason::paused, kNow.boot - 2h);
  const auto fact = park_fact(parking, ParkReason::paused, kNow);
  CHECK(parked_since(fact, kNow) == kNow.boot - 2h);
  CHECK(parked_since(fact, kLater) == kLater.boot - 5h);
  CHECK(parked_since(park_fact(parking, ParkReason::refused, kNow), kNow) == kNow.boot);
}

TEST_CASE("A fact without a time, or with one to come, holds from now on") {
  CHECK_FALSE(parked_since("", kNow));
  CHECK(parked_since("yes", kNow) == kNow.boot);
  CHECK(parked_since("2999-01-01T00:00:00.000Z", kNow) == kNow.boot);
}
