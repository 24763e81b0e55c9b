#include "usherd/submit/refused_level.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr BootTime kNow{std::chrono::hours{5}};
constexpr double kPlace = 0.01;

/// An organisation with places for 100 batches, some of them taken by neighbours, and batches without end
/// that start whenever the level lets them; jobs never end by themselves.
struct Organisation {
  int places = 100;
  int held = 0;
  int refusals = 0;
  BootTime now = kNow;
  RefusedLevel level;

  [[nodiscard]] int usable() const { return static_cast<int>(std::floor(level.usable() * 100 + 1e-9)); }
  void fill() {
    while (held < usable()) {
      if (held >= places) {
        ++refusals;
        level.refused(held * kPlace, kPlace, now);
        return;
      }
      ++held;
      level.accepted(held + 1 > usable(), now);
    }
  }
  void pass(BootClock::duration time) {
    const auto end = now + time;
    while (level.grows_at() && *level.grows_at() <= end) {
      now = *level.grows_at();
      level.grow(now);
      fill();
    }
    now = end;
  }
  /// Jobs end one by one, a batch takes the place of each, one a second.
  void run(BootClock::duration time) {
    for (const auto end = now + time; now < end;) {
      held = std::max(0, held - 1);
      fill();
      pass(1s);
    }
  }
};

}  // namespace

TEST_CASE("Nothing is held back before the first refusal") {
  RefusedLevel level;
  CHECK(level.is_whole());
  CHECK(level.usable() == 1);
  CHECK_FALSE(level.grows_at());
  level.accepted(true, kNow);
  level.grow(kNow);
  CHECK(level.is_whole());
}

TEST_CASE("A level that is refused for the first time leaves neighbours some room and comes back to it") {
  Organisation organisation;
  organisation.places = 70;
  organisation.fill();
  CHECK(organisation.refusals == 1);
  CHECK(organisation.usable() == 63);
  organisation.pass(59s);
  CHECK(organisation.usable() >= 69);
  organisation.held -= 10;
  organisation.run(30s);
  CHECK(organisation.usable() == 70);
  CHECK(organisation.refusals == 1);
}

TEST_CASE("A steady neighbour is asked less and less often") {
  Organisation organisation;
  organisation.places = 70;
  organisation.fill();
  const auto until_refused = [&] {
    const auto since = organisation.now;
    const int refusals = organisation.refusals;
    while (organisation.refusals == refusals)
      organisation.run(1s);
    return organisation.now - since;
  };
  const auto first = until_refused();
  CHECK(first >= 1min);
  BootClock::duration last{};
  for (int i = 0; i < 6; ++i)
    last = until_refused();
  CHECK(last > 2 * first);
  CHECK(last < 10min);
  CHECK(organisation.held >= 67);
}

TEST_CASE("What a neighbour leaves is found by one probe, and taken by the POSTs that pass") {
  Organisation organisation;
  organisation.places = 40;
  organisation.fill();
  organisation.run(1min);
  organisation.places = 90;
  organisation.run(1min);
  CHECK(organisation.held >= 87);
  CHECK(organisation.refusals == 2);
  CHECK(organisation.usable() < 90);
}

TEST_CASE("The more a probe may find the sooner it goes out") {
  const auto wait = [](int places) {
    Organisation organisation;
    organisation.places = places;
    organisation.fill();
    while (organisation.refusals == 1)
      organisation.run(1s);
    return organisation.now - kNow;
  };
  CHECK(wait(40) < wait(70));
  CHECK(wait(70) < wait(90));
  CHECK(wait(5) >= 60s);
  CHECK(wait(98) <= 5min);
}

TEST_CASE("A level that falls is given more room than one that was only probed") {
  RefusedLevel level;
  level.refused(0.7, kPlace, kNow);
  level.accepted(false, kNow + 1s);
  level.refused(0.6, kPlace, kNow + 2min);
  CHECK(level.usable() == doctest::Approx(0.6 * 0.9));
  level.grow(kNow + 2min + 30s);
  CHECK(level.usable() == doctest::Approx(0.6 * 0.9));
}

TEST_CASE("A level that a probe met is given less room than one that was met without") {
  const auto refused = [](double held, BootClock::duration time) {
    RefusedLevel level;
    level.refused(0.7, kPlace, kNow);
    level.accepted(false, kNow + 1s);
    for (const auto until = kNow + time; level.grows_at() && *level.grows_at() <= until;)
      level.grow(*level.grows_at());
    level.refused(held, kPlace, kNow + time);
    return level.usable();
  };
  CHECK(refused(0.68, 90s) == doctest::Approx(0.68 * 0.9));
  CHECK(refused(0.7, 2min) == doctest::Approx(0.7 * 0.97));
}

TEST_CASE("A neighbour that jumps is probed half as often, until the level has moved without a jump") {
  Organisation organisation;
  organisation.places = 90;
  organisation.fill();
  organisation.run(10s);
  const auto jump = [&](int places) {
    organisation.places = places;
    organisation.held = std::max(organisation.held, places);
    organisation.run(1s);
  };
  const auto until_refused = [&] {
    const auto since = organisation.now;
    for (const int refusals = organisation.refusals; organisation.refusals == refusals;)
      organisation.run(1s);
    return organisation.now - since;
  };
  jump(50);
  organisation.run(40s);
  CHECK(organisation.held <= 50);
  const auto after_jump = until_refused();
  CHECK(after_jump > 2min);
  BootClock::duration last{};
  for (int i = 0; i < 3; ++i) {
    organisation.places += 5;
    last = until_refused();
  }
  CHECK(last < after_jump);
}

TEST_CASE("Refused again with no POST accepted between the step is large, and nothing grows back meanwhile") {
  RefusedLevel level;
  level.refused(0.9, kPlace, kNow);
  const double once = level.usable();
  level.refused(once - kPlace, kPlace, kNow + 2s);
  const double twice = level.usable();
  CHECK(twice < 0.7 * once);
  level.grow(kNow + 30s);
  CHECK(level.usable() == twice);
  level.refused(twice - kPlace, kPlace, kNow + 32s);
  CHECK(level.usable() < 0.7 * twice);
  // With the first that passes it looks upwards again.
  const double least = level.usable();
  level.accepted(false, kNow + 33s);
  level.grow(kNow + 50s);
  CHECK(level.usable() > least);
  CHECK(level.usable() < twice);
}

TEST_CASE("A minute without a POST finds the level where it was: no reason to look for it far below") {
  RefusedLevel level;
  level.refused(0.7, kPlace, kNow);
  level.refused(0.7 - kPlace, kPlace, kNow + 1min);
  // Known: no place was free.
  CHECK(level.usable() == doctest::Approx(0.7 * 0.9));
  for (auto now = kNow + 1min; level.usable() < 0.7; now += 1min)
    level.grow(now);
  level.refused(0.69, kPlace, kNow + 4min);
  CHECK(level.usable() >= 0.65);
}

TEST_CASE("A refusal of a POST that was under way at the last one changes no level, but puts off the probe") {
  RefusedLevel level;
  level.refused(0.5, kPlace, kNow);
  const double usable = level.usable();
  level.accepted(false, kNow);
  level.refused(0.5, kPlace, kNow + 1s);
  level.refused(usable, kPlace, kNow + 1s);
  CHECK(level.usable() == usable);
  CHECK(level.grows_at() == kNow + 6s);
}

TEST_CASE("With nothing accepted it grows by a place a minute, and by one more POST at once") {
  RefusedLevel level;
  level.refused(0.01, kPlace, kNow);
  level.refused(0, kPlace, kNow + 1s);
  CHECK(level.usable() == kPlace);
  CHECK(level.posts(0) == 1);
  auto now = kNow;
  for (int minute = 1; minute <= 100; ++minute) {
    CAPTURE(minute);
    for (const auto end = kNow + 1s + minute * 1min; level.grows_at() && *level.grows_at() <= end;) {
      now = *level.grows_at();
      level.grow(now);
    }
    REQUIRE(level.usable() >= doctest::Approx(minute * kPlace));
    if (minute == 3)
      CHECK(level.posts(0) >= 4);
  }
  CHECK(level.is_whole());
}

TEST_CASE("POSTs at once: one after a refusal, more as they pass, and few near the level") {
  RefusedLevel level;
  level.refused(0.8, kPlace, kNow);
  CHECK(level.posts(0.2) == 1);
  for (int i = 0; i < 16; ++i)
    level.accepted(false, kNow);
  CHECK(level.posts(0.2) == 3);
  for (int i = 0; i < 100; ++i)
    level.accepted(false, kNow);
  CHECK(level.posts(0.2) > 8);
  CHECK(level.posts(0.72) < 3);
  CHECK(level.posts(level.usable() - kPlace) == 1);
  CHECK(level.posts(0.9) == 1);
}
