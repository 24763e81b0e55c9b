#include "usherd/core/backoff.hpp"
#include "usherd/core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

using usherd::Backoff;
using usherd::Milliseconds;
using usherd::Random;

TEST_CASE("one seed gives one sequence") {
  Random a(7);
  Random b(7);
  Random c(8);
  const auto first = a.uuid();
  CHECK(first == b.uuid());
  CHECK(first != c.uuid());
  CHECK(a.uuid() != first);
  CHECK(Random::from_system().uuid() != Random::from_system().uuid());
}

TEST_CASE("numbers stay in their range and reach both ends") {
  Random random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200; ++i)
    seen.insert(random.up_to(3));
  CHECK(seen == std::set<std::uint64_t>{0, 1, 2, 3});
  CHECK(random.up_to(0) == 0);
  for (int i = 0; i < 200; ++i) {
    const auto unit = random.unit();
    CHECK(unit >= 0);
    CHECK(unit < 1);
  }
}

TEST_CASE("a uuid has the shape, version and variant of RFC 9562") {
  Random random(3);
  for (int i = 0; i < 100; ++i) {
    const auto id = random.uuid();
    CAPTURE(id);
    REQUIRE(id.size() == 36);
    for (std::size_t at = 0; at < id.size(); ++at) {
      const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
      CHECK(dash == (id[at] == '-'));
      CHECK((dash || std::string("0123456789abcdef").find(id[at]) != std::string::npos));
    }
    CHECK(id[14] == '4');
    CHECK(std::string("89ab").find(id[19]) != std::string::npos);
  }
}

TEST_CASE("waits are drawn up to a ceiling that doubles to its limit") {
  constexpr std::array<int, 8> ceilings{100, 200, 400, 800, 1000, 1000, 1000, 1000};
  std::array<Milliseconds, 8> longest{};
  Random random(5);
  for (int run = 0; run < 400; ++run) {
    Backoff backoff(Milliseconds{100}, Milliseconds{1000});
    for (std::size_t i = 0; i < ceilings.size(); ++i) {
      const auto wait = backoff.next(random);
      CHECK(wait >= Milliseconds{0});
      CHECK(wait <= Milliseconds{ceilings[i]});
      longest[i] = std::max(longest[i], wait);
    }
    CHECK(backoff.tries() == ceilings.size());
  }
  for (std::size_t i = 0; i < ceilings.size(); ++i)
    CHECK(longest[i] > Milliseconds{ceilings[i] * 9 / 10});
}

TEST_CASE("after a success the next wait is small again") {
  Random random(5);
  Backoff backoff(Milliseconds{10}, std::chrono::hours{1});
  for (int i = 0; i < 100; ++i)
    CHECK(backoff.next(random) <= std::chrono::hours{1});
  backoff.reset();
  CHECK(backoff.tries() == 0);
  CHECK(backoff.next(random) <= Milliseconds{10});
}

TEST_CASE("a first wait above the most is the most, and none is none") {
  Random random(5);
  for (int i = 0; i < 50; ++i) {
    CHECK(Backoff(Milliseconds{500}, Milliseconds{100}).next(random) <= Milliseconds{100});
    CHECK(Backoff(Milliseconds{0}, Milliseconds{100}).next(random) == Milliseconds{0});
  }
}
