#include "tests/flow/world/crash_points.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace usherd::flow {
namespace {

// All points run on the release build (crash_points); under the sanitizers a part of them serves.
TEST_CASE("A machine that stops at some of its effects loses nothing and repeats nothing") {
  CrashTally tally;
  for (std::size_t theme = 0; theme < theme_count(); ++theme)
    try_crash_points(make_scenario(theme, 100), 17, tally);
  CHECK(tally.points > 100);
  CHECK_MESSAGE(tally.problems.empty(), fmt::format("{}", fmt::join(tally.problems, "\n")));
}

}  // namespace
}  // namespace usherd::flow
