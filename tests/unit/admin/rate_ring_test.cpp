#include "usherd/admin/rate_ring.hpp"

#include <doctest/doctest.h>

#include <numeric>

namespace {

using namespace std::chrono_literals;
using usherd::BootTime;
using usherd::RateRing;

constexpr BootTime kStart{1h};

double records_in(const std::vector<double>& history, double step_seconds) {
  return std::accumulate(history.begin(), history.end(), 0.0) * step_seconds;
}

TEST_CASE("a steady stream shows its rate, now and over the hour") {
  RateRing ring(kStart);
  for (auto t = 0s; t < 600s; t += 1s)
    ring.add(kStart + t, 100);
  CHECK(ring.rate(kStart + 600s, 15s) == doctest::Approx(100).epsilon(0.1));
  CHECK(ring.rate(kStart + 600s, 1h) == doctest::Approx(100).epsilon(0.02));
}

TEST_CASE("shortly after the start the rate is over the time since then, not over the window") {
  RateRing ring(kStart);
  ring.add(kStart + 1s, 4000);
  CHECK(ring.rate(kStart + 4s, 15s) == doctest::Approx(1000));
}

TEST_CASE("a rate falls to nothing once nothing ends any more") {
  RateRing ring(kStart);
  ring.add(kStart + 1s, 4000);
  CHECK(ring.rate(kStart + 60s, 15s) == 0);
  CHECK(ring.rate(kStart + 2h, 1h) == 0);
}

TEST_CASE("slots in which nothing happened do not show what was there an hour ago") {
  RateRing ring(kStart);
  for (auto t = 0s; t < 3600s; t += 5s)
    ring.add(kStart + t, 10);
  ring.add(kStart + 3600s + 1800s, 10);
  const auto history = ring.history(kStart + 5400s, 120);
  // Half an hour of 10 in each slot is left, and the last one.
  CHECK(records_in(history, 30) == doctest::Approx(3600).epsilon(0.02));
  CHECK(history[90] == 0);
}

TEST_CASE("the history holds the hour in equal steps, the oldest first") {
  RateRing ring(kStart);
  ring.add(kStart + 10s, 300);
  ring.add(kStart + 3000s, 600);
  const auto history = ring.history(kStart + 3600s, 120);
  REQUIRE(history.size() == 120);
  CHECK(history[0] == doctest::Approx(10));
  CHECK(history[100] == doctest::Approx(20));
  CHECK(records_in(history, 30) == doctest::Approx(900));
}

TEST_CASE("what ends within the step under way shows in the rate and not yet in the history") {
  RateRing ring(kStart);
  ring.add(kStart + 3601s, 300);
  CHECK(records_in(ring.history(kStart + 3602s, 120), 30) == 0);
  CHECK(ring.rate(kStart + 3602s, 15s) > 0);
}

}  // namespace
