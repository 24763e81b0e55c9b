#include "usherd/submit/outage_watch.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr BootTime kStart{5h};

}  // namespace

TEST_CASE("What fails now and then is not told") {
  OutageWatch watch;
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(watch.failed(kStart + i * 1h));
    CHECK_FALSE(watch.failed(kStart + i * 1h + 1min));
    CHECK_FALSE(watch.answered(kStart + i * 1h + 2min));
  }
}

TEST_CASE("An outage is told at its third failure, hourly, and when it is over") {
  OutageWatch watch;
  CHECK_FALSE(watch.failed(kStart));
  CHECK_FALSE(watch.failed(kStart + 1s));
  const auto told = watch.failed(kStart + 3s);
  REQUIRE(told);
  CHECK(told->requests == 3);
  CHECK(told->lasted == 3s);
  CHECK_FALSE(watch.failed(kStart + 4s));
  CHECK_FALSE(watch.failed(kStart + 1h + 2s));
  const auto again = watch.failed(kStart + 1h + 3s);
  REQUIRE(again);
  CHECK(again->requests == 6);
  CHECK_FALSE(watch.failed(kStart + 2h));
  const auto over = watch.answered(kStart + 3h);
  REQUIRE(over);
  CHECK(over->requests == 7);
  CHECK(over->lasted == 3h);
  CHECK_FALSE(watch.answered(kStart + 3h));
  CHECK_FALSE(watch.failed(kStart + 4h));
}
