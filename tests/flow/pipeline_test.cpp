#include "tests/flow/world/scenario.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace usherd::flow {
namespace {

TEST_CASE("Every scenario ends with one outcome a record, whatever the server does") {
  for (std::size_t theme = 0; theme < theme_count(); ++theme) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      const auto scenario = make_scenario(theme, seed);
      CAPTURE(scenario.name);
      Play play(scenario);
      CHECK_MESSAGE(play.go_on(), play.failure());
      if (!play.failure().empty())
        continue;
      const auto audit = play.audit();
      CHECK_MESSAGE(audit.problems.empty(), fmt::format("{}", fmt::join(audit.problems, "\n")));
      CHECK(play.world.server.organisation.oracle().early_after_retry_after == 0);
    }
  }
}

TEST_CASE("The same seed gives the same run") {
  const auto scenario = make_scenario(0, 1);
  Play first(scenario);
  Play second(scenario);
  CHECK(first.go_on());
  CHECK(second.go_on());
  CHECK(first.world.effects.count() == second.world.effects.count());
  CHECK(first.world.server_now() == second.world.server_now());
}

}  // namespace
}  // namespace usherd::flow
