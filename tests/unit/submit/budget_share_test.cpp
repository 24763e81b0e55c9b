#include "usherd/submit/budget_share.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace usherd;

namespace {

constexpr double kBatch = 1.0 / 90;

}  // namespace

TEST_CASE("A refusal leaves less than what the API held, never more than there was") {
  BudgetShare share;
  CHECK(share.is_whole());
  share.refused(0.8, 0.8);
  CHECK(share.part() < 0.8);
  CHECK(share.part() > 0.6);
  CHECK_FALSE(share.is_whole());
  const double left = share.part();
  share.refused(0.8, 0.8);
  CHECK(share.part() == left);
  share.refused(0.5, 0.5);
  share.refused(0.5, 0.5);
  CHECK(share.part() < 0.5);
  share.refused(1, 1);
  CHECK(share.part() < 0.5);
}

TEST_CASE("One refusal while the API holds little of what we count does not take everything") {
  BudgetShare share;
  share.refused(0.01, 0.9);
  CHECK(share.part() > 0.6);
  CHECK(share.part() < 0.7);
  share.refused(0.01, 0.01);
  CHECK(share.part() < 0.01);
}

TEST_CASE("What we hold over our limits, after they were lowered, counts as all of them") {
  BudgetShare share;
  share.refused(3, 3);
  CHECK(share.part() < 1);
}

TEST_CASE("It comes back slowly where it was refused, faster later, and slowly again after another refusal") {
  BudgetShare share;
  share.refused(0.8, 0.8);
  const double left = share.part();
  for (int i = 0; i < 25; ++i)
    share.accepted(kBatch);
  CHECK(share.part() - left < 0.05);
  const double early = share.part();
  for (int i = 0; i < 25; ++i)
    share.accepted(kBatch);
  CHECK(share.part() - early > share.part() * 0.05);
  share.refused(share.part(), share.part());
  const double again = share.part();
  share.accepted(kBatch);
  CHECK(share.part() - again < 0.001);
  int accepted = 0;
  for (; !share.is_whole(); ++accepted) {
    REQUIRE(accepted < 200);
    share.accepted(kBatch);
  }
  CHECK(share.part() == 1);
}

TEST_CASE("With room for few batches it comes back in about as many POSTs for each as with room for many") {
  for (const double limit : std::array{2.0, 12.0, 90.0}) {
    CAPTURE(limit);
    BudgetShare share;
    share.refused(1 / limit, 1 / limit);
    int accepted = 0;
    for (; !share.is_whole(); ++accepted)
      share.accepted(1 / limit);
    CHECK(accepted > limit / 2);
    CHECK(accepted < 40 + 2 * limit);
  }
}
