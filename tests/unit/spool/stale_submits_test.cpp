#include "usherd/spool/stale_submits.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr auto kDay = 24h;

std::vector<SeenFile> one(WallTime changed) {
  SeenFile file;
  file.name = ".usherd-submit-1";
  file.stat.changed_ns = std::chrono::nanoseconds(changed.time_since_epoch()).count();
  return {file};
}

Instant at(WallTime wall, BootTime::duration boot) {
  Instant now;
  now.wall = wall;
  now.boot = BootTime(boot);
  return now;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a file that submit writes is stale when it is a day old and was seen as it is for an hour") {
  const WallTime made{100 * kDay};
  StaleSubmits stale;
  CHECK(stale.look(one(made), at(made + kDay, 1h)).empty());
  CHECK(stale.look(one(made), at(made + kDay, 1h + 59min)).empty());
  CHECK(stale.look(one(made), at(made + kDay, 2h)) == Names{".usherd-submit-1"});
  CHECK(stale.look(one(made), at(made + kDay - 1ms, 3h)).empty());
}

TEST_CASE("one that is written to, or comes again, begins anew, whatever the wall clock says") {
  const WallTime made{100 * kDay};
  StaleSubmits stale;
  CHECK(stale.look(one(made), at(made + 2 * kDay, 0h)).empty());
  CHECK(stale.look(one(made + 1min), at(made + 2 * kDay, 1h)).empty());
  CHECK(stale.look({}, at(made + 2 * kDay, 2h)).empty());
  CHECK(stale.look(one(made + 1min), at(made + 2 * kDay, 3h)).empty());
  CHECK(stale.look(one(made + 1min), at(made + 2 * kDay, 4h)).size() == 1);
}
