#include "usherd/submit/parking.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr BootTime kStart{std::chrono::hours{5}};
constexpr ParkReason kAll[] = {ParkReason::credentials, ParkReason::endpoint, ParkReason::organisation,
                               ParkReason::refused,     ParkReason::disk,     ParkReason::paused};

}  // namespace

TEST_CASE("Park reasons have the names that the operator sees") {
  std::string names;
  for (const auto reason : kAll)
    names += std::string(to_string(reason)) + " ";
  CHECK(names == "credentials endpoint organisation refused disk paused ");
}

TEST_CASE("A reason holds from when it arose until it is cleared") {
  for (const auto reason : kAll) {
    CAPTURE(to_string(reason));
    Parking parking;
    CHECK_FALSE(parking.holds(reason));
    CHECK_FALSE(parking.first());
    parking.park(reason, kStart);
    parking.park(reason, kStart + 1h);
    CHECK(parking.holds(reason));
    CHECK(parking.first() == reason);
    CHECK(parking.since(reason) == kStart);
    parking.clear(reason);
    CHECK_FALSE(parking.holds(reason));
    CHECK_FALSE(parking.since(reason));
    CHECK_FALSE(parking.next_probe(reason));
  }
}

TEST_CASE("Only what a request can find out is probed") {
  for (const auto reason : kAll) {
    CAPTURE(to_string(reason));
    Parking parking;
    CHECK_FALSE(parking.next_probe(reason));
    parking.park(reason, kStart);
    const bool probed = reason == ParkReason::credentials || reason == ParkReason::endpoint;
    CHECK(parking.next_probe(reason).has_value() == probed);
  }
}

TEST_CASE("Probes that fail come at a slow and growing pace, and at a first pace again after a success") {
  Parking parking;
  auto now = kStart;
  parking.park(ParkReason::credentials, now);
  for (const auto pace : {2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s}) {
    REQUIRE(parking.next_probe(ParkReason::credentials) == now + pace);
    now += pace;
    parking.park(ParkReason::credentials, now);
  }
  parking.clear(ParkReason::credentials);
  parking.park(ParkReason::credentials, now);
  CHECK(parking.next_probe(ParkReason::credentials) == now + 2s);
}

TEST_CASE("Answers to requests that were under way already do not slow the pace") {
  Parking parking;
  for (int i = 0; i < 8; ++i)
    parking.park(ParkReason::credentials, kStart + i * 100ms);
  CHECK(parking.next_probe(ParkReason::credentials) == kStart + 2s);
}

TEST_CASE("A new key lets the next probe go at once") {
  Parking parking;
  parking.probe_now(ParkReason::credentials, kStart);
  CHECK_FALSE(parking.holds(ParkReason::credentials));
  parking.park(ParkReason::credentials, kStart);
  parking.probe_now(ParkReason::credentials, kStart + 1s);
  CHECK(parking.next_probe(ParkReason::credentials) == kStart + 1s);
}
