#include "usherd/poll/poll_plan.hpp"
#include "usherd/core/random.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace usherd;

namespace {

std::vector<double> polls(PollPlan& plan) {
  std::vector<double> all;
  for (double part = plan.next(0); part > 0 && all.size() < 200; part = plan.next(part))
    all.push_back(part);
  return all;
}

std::size_t count_below(const std::vector<double>& parts, double most) {
  std::size_t count = 0;
  while (count < parts.size() && parts[count] < most)
    ++count;
  return count;
}

}  // namespace

TEST_CASE("where all jobs end at the expected time they are asked just after it, once") {
  PollPlan plan;
  for (int i = 0; i < 300; ++i)
    plan.learn(1);
  const auto all = polls(plan);
  REQUIRE(all.size() > 1);
  CHECK(all[0] > 1);
  CHECK(all[0] < 1.01);
  CHECK(all[1] > 1.1);
}

TEST_CASE("where jobs end anywhere in a range polls go through it, the more the cheaper they are") {
  std::size_t last = 0;
  for (const double price : {0.2, 0.05, 0.01}) {
    PollPlan plan;
    plan.set_price(price);
    Random random(3);
    for (int i = 0; i < 500; ++i)
      plan.learn(0.5 + random.unit());
    const auto all = polls(plan);
    const auto within = count_below(all, 1.55);
    CAPTURE(price);
    CHECK(all[0] > 0.5);
    CHECK(within > last);
    last = within;
  }
  CHECK(last >= 5);
}

TEST_CASE("where jobs end at two times nobody is asked between them") {
  PollPlan plan;
  for (int i = 0; i < 500; ++i)
    plan.learn(i % 2 == 0 ? 0.5 : 1.5);
  const auto all = polls(plan);
  REQUIRE(all.size() > 1);
  CHECK(all[0] >= 0.5);
  CHECK(all[0] < 0.6);
  CHECK(all[1] >= 1.5);
  CHECK(all[1] < 1.6);
}

TEST_CASE("a plan forgets what jobs did long ago") {
  PollPlan plan;
  for (int i = 0; i < 300; ++i)
    plan.learn(0.3);
  for (int i = 0; i < 1000; ++i)
    plan.learn(2);
  CHECK(plan.next(0) > 1.9);
}

TEST_CASE("polls go on from wherever a job was seen, later each time") {
  PollPlan plan;
  Random random(5);
  for (int i = 0; i < 100; ++i)
    plan.learn(3 * random.unit());
  for (double part = 0; part < 2.8; part += 0.0037)
    CHECK(plan.next(part) > part);
}

TEST_CASE(
    "of parts beyond all that is known, and of senseless ones, a plan tells nothing or the first poll") {
  PollPlan plan;
  plan.learn(1e9);
  plan.learn(-5);
  plan.learn(0);
  CHECK(plan.next(3) == 0);
  CHECK(plan.next(1e12) == 0);
  CHECK(plan.next(-1) == plan.next(0));
}
