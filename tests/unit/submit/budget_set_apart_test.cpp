#include "usherd/submit/in_progress_budget.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr BootTime kNow{std::chrono::hours{5}};

}  // namespace

TEST_CASE("A batch set apart takes its place in the limits, and nothing of what is used of them") {
  InProgressBudget budget(3, 100);
  budget.take(40);
  budget.refused(40, kNow);
  budget.end_post(40);
  REQUIRE(budget.usable_batches() == 1);
  CHECK_FALSE(budget.admits(10));
  budget.set_apart(40);
  SUBCASE("others go as if it were not there") {
    CHECK(budget.admits(10));
    budget.take(10);
    CHECK_FALSE(budget.admits(10));
    CHECK_FALSE(budget.must_give_way(10));
    CHECK(budget.batches() == 2);
    CHECK(budget.operations() == 50);
    CHECK(budget.batches_set_apart() == 1);
  }
  SUBCASE("one alone may be larger than what is usable, and never than what is left of the limits") {
    REQUIRE(budget.usable_operations() < 60);
    CHECK(budget.admits(60));
    CHECK_FALSE(budget.admits(61));
  }
  SUBCASE("it may hold all of the limits") {
    budget.configure(1, 100);
    CHECK_FALSE(budget.admits(1));
    budget.configure(1, 40);
    CHECK_FALSE(budget.admits(1));
  }
  SUBCASE("until it is counted in again") {
    budget.take(10);
    budget.end_post(10);
    budget.count_in(40);
    CHECK(budget.batches_set_apart() == 0);
    CHECK_FALSE(budget.admits(1));
    budget.give_back(40);
    budget.give_back(10);
    CHECK(budget.batches() == 0);
    CHECK(budget.operations() == 0);
  }
  SUBCASE("others let what is used of the limits grow") {
    const auto now = kNow + 5min;
    while (budget.recovers_at() && *budget.recovers_at() <= now)
      budget.recover(*budget.recovers_at());
    for (int i = 0; i < 3; ++i) {
      budget.take(10);
      budget.end_post(10);
      budget.accepted(10, now);
      budget.give_back(10);
    }
    CHECK(budget.usable_batches() == 3);
  }
}
