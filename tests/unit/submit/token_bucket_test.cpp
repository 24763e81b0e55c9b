#include "usherd/submit/token_bucket.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <random>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr BootTime kStart{std::chrono::hours{5}};

double seconds(BootClock::duration span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

TEST_CASE("A burst goes at once, the rest one by one at the rate") {
  TokenBucket bucket(10, 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(bucket.ready_at(kStart) <= kStart);
    bucket.take(kStart);
  }
  const auto next = bucket.ready_at(kStart);
  CHECK(next >= kStart + 100ms);
  CHECK(next <= kStart + 100ms + 1us);
  bucket.take(next);
  CHECK(bucket.ready_at(next) > next + 99ms);
}

TEST_CASE("A pause saves up no more than a burst") {
  TokenBucket bucket(10, 3);
  for (int i = 0; i < 3; ++i)
    bucket.take(kStart);
  const auto later = kStart + 24h;
  for (int i = 0; i < 3; ++i) {
    CHECK(bucket.ready_at(later) <= later);
    bucket.take(later);
  }
  CHECK(bucket.ready_at(later) > later);
}

TEST_CASE("At the time that is told the token is there, whatever the rate") {
  std::mt19937 random(1);
  for (const double rate : {0.01, 0.3, 1.0, 7.0, 20.0, 333.0, 100000.0}) {
    CAPTURE(rate);
    TokenBucket bucket(rate, 1);
    auto now = kStart + std::chrono::nanoseconds{random()};
    for (int i = 0; i < 1000; ++i) {
      const auto ready = bucket.ready_at(now);
      REQUIRE(bucket.ready_at(ready) <= ready);
      now = ready;
      bucket.take(now);
    }
  }
}

TEST_CASE("No stretch of time sees more than a burst and what the rate gives") {
  std::mt19937 random(2);
  const double rate = 20;
  const double burst = 40;
  TokenBucket bucket(rate, burst);
  std::deque<BootTime> taken;
  auto now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    now += std::chrono::microseconds{random() % 60'000};
    if (random() % 500 == 0)
      now += 10s;
    while (bucket.ready_at(now) <= now && random() % 8 != 0) {
      bucket.take(now);
      taken.push_back(now);
    }
    while (!taken.empty() && now - taken.front() > 20s)
      taken.pop_front();
    for (std::size_t first = 0; first < taken.size(); first += 37) {
      const auto count = static_cast<double>(taken.size() - first);
      REQUIRE(count <= burst + rate * seconds(now - taken[first]) + 1e-3);
    }
  }
}

TEST_CASE("New limits cut what was saved up and bind from then on") {
  TokenBucket bucket(1, 100);
  CHECK(bucket.ready_at(kStart) <= kStart);
  bucket.configure(10, 2);
  bucket.take(kStart);
  bucket.take(kStart);
  CHECK(bucket.ready_at(kStart) > kStart + 99ms);
  CHECK(bucket.ready_at(kStart) < kStart + 101ms);
}

TEST_CASE("A clock that stands still or steps back gives no tokens") {
  TokenBucket bucket(10, 1);
  bucket.take(kStart);
  CHECK(bucket.ready_at(kStart - 1h) > kStart - 1h);
  CHECK(bucket.ready_at(kStart) > kStart);
  CHECK(bucket.ready_at(kStart + 101ms) <= kStart + 101ms);
}
