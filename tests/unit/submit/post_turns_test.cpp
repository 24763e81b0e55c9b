#include "usherd/submit/post_turns.hpp"

#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace usherd;

namespace {

struct Bench {
  using Held = std::shared_ptr<test::Pending<PostTurns::Turn>>;

  [[nodiscard]] Held take() { return loop.start(turns.take()); }
  void give_back(Held& held) {
    held->value.reset();
    loop.poll();
  }

  test::Loop loop;
  InProgressBudget budget{90, 450'000};
  PostTurns turns{loop.executor(), budget};
};

}  // namespace

TEST_CASE("With limits of our own any number of POSTs are under way") {
  Bench bench;
  std::vector<Bench::Held> held;
  for (int i = 0; i < 8; ++i)
    held.push_back(bench.take());
  for (const auto& turn : held)
    CHECK(turn->done());
}

TEST_CASE("Beside neighbours one POST goes at a time, in turn") {
  Bench bench;
  bench.budget.refused({40, 200'000});
  auto first = bench.take();
  auto second = bench.take();
  auto third = bench.take();
  CHECK(first->done());
  CHECK_FALSE(second->done());
  bench.give_back(first);
  CHECK(second->done());
  CHECK_FALSE(third->done());
  bench.give_back(second);
  CHECK(third->done());
}

TEST_CASE(
    "Those that are under way when the first is refused end on their own; the next waits for all of them") {
  Bench bench;
  auto first = bench.take();
  auto second = bench.take();
  bench.budget.refused({40, 200'000});
  auto third = bench.take();
  bench.give_back(first);
  CHECK_FALSE(third->done());
  bench.give_back(second);
  CHECK(third->done());
}
