#include "src/sandbox/rate_limiter.hpp"
#include "src/sandbox/retry_after.hpp"
#include "usherd/core/timestamp.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace usherd;
using namespace usherd::sandbox;

namespace {

const WallTime kNow{std::chrono::milliseconds(1'700'000'000'250)};

ApiAnswer with_header(std::string value) {
  ApiAnswer answer;
  answer.headers.emplace_back("Retry-After", std::move(value));
  return answer;
}

}  // namespace

TEST_CASE("the bucket gives its burst, then its rate") {
  RateLimiter limiter;
  for (int i = 0; i < 3; ++i)
    CHECK(limiter.allow(kNow, 2, 3));
  CHECK_FALSE(limiter.allow(kNow, 2, 3));
  CHECK_FALSE(limiter.allow(kNow + Milliseconds(499), 2, 3));
  CHECK(limiter.allow(kNow + Milliseconds(500), 2, 3));
  CHECK_FALSE(limiter.allow(kNow + Milliseconds(500), 2, 3));
}

TEST_CASE("a long rest fills the bucket to its burst and no further") {
  RateLimiter limiter;
  CHECK(limiter.allow(kNow, 1, 2));
  const WallTime later = kNow + std::chrono::hours(1);
  CHECK(limiter.allow(later, 1, 2));
  CHECK(limiter.allow(later, 1, 2));
  CHECK_FALSE(limiter.allow(later, 1, 2));
}

TEST_CASE("a rate of zero is no limit") {
  RateLimiter limiter;
  for (int i = 0; i < 1000; ++i)
    CHECK(limiter.allow(kNow, 0, 1));
}

TEST_CASE("Retry-After comes in every form that is set") {
  CHECK(retry_after_header(RetryAfter::seconds, 7, kNow) == "7");
  CHECK(retry_after_header(RetryAfter::zero, 7, kNow) == "0");
  CHECK_FALSE(retry_after_header(RetryAfter::missing, 7, kNow));
  CHECK(retry_after_header(RetryAfter::huge, 7, kNow) == "99999999999");
  CHECK(retry_after_header(RetryAfter::garbage, 7, kNow) == "soon; maybe");
  const auto date = retry_after_header(RetryAfter::http_date, 7, kNow);
  REQUIRE(date);
  const auto until = parse_http_date(*date);
  REQUIRE(until);
  CHECK(*until >= kNow + std::chrono::seconds(7));
  CHECK(*until < kNow + std::chrono::seconds(9));
}

TEST_CASE("a wait is announced by seconds or a date that can be obeyed, and by nothing else") {
  CHECK(announced_wait(with_header("7"), kNow) == kNow + std::chrono::seconds(7));
  CHECK(announced_wait(with_header("Tue, 14 Nov 2023 22:13:30 GMT"), kNow) ==
        WallTime(std::chrono::seconds(1'700'000'010)));
  CHECK_FALSE(announced_wait(with_header("99999999999"), kNow));
  CHECK_FALSE(announced_wait(with_header("soon"), kNow));
  CHECK_FALSE(announced_wait(ApiAnswer(), kNow));
}
