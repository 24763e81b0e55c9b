#include "usherd/submit/in_progress_budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr BootTime kNow{std::chrono::hours{5}};

}  // namespace

TEST_CASE("A batch starts while both limits hold with it") {
  struct Row {
    std::string name;
    std::uint32_t batches;
    std::uint64_t each;
    std::uint64_t next;
    bool admitted;
  };
  // Limits: 4 batches, 100 operations.
  const Row rows[] = {
      {"nothing in progress", 0, 0, 100, true},
      {"one larger than the budget goes alone", 0, 0, 5000, true},
      {"one larger than the budget does not go with others", 1, 1, 5000, false},
      {"to the operation", 2, 25, 50, true},
      {"an operation too many", 2, 25, 51, false},
      {"the last batch", 3, 1, 1, true},
      {"a batch too many", 4, 1, 1, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    InProgressBudget budget(4, 100);
    for (std::uint32_t i = 0; i < row.batches; ++i)
      budget.take(row.each);
    CHECK(budget.admits(row.next) == row.admitted);
  }
}

TEST_CASE("The limits can be used to the last batch and operation, whatever they are") {
  for (std::uint32_t limit = 1; limit <= 200; ++limit) {
    InProgressBudget budget(limit, limit * 2500ULL);
    REQUIRE(budget.usable_batches() == limit);
    REQUIRE(budget.usable_operations() == limit * 2500ULL);
  }
  InProgressBudget odd(90, 499'999);
  CHECK(odd.usable_operations() == 499'999);
}

TEST_CASE("Lowered limits cancel nothing and start nothing until the counts are below") {
  InProgressBudget budget(10, 1000);
  for (int i = 0; i < 6; ++i)
    budget.take(100);
  budget.configure(4, 1000);
  CHECK(budget.batches() == 6);
  CHECK_FALSE(budget.admits(1));
  budget.give_back(100);
  budget.give_back(100);
  CHECK_FALSE(budget.admits(1));
  budget.give_back(100);
  CHECK(budget.admits(1));
}

TEST_CASE(
    "An abandoned key keeps the place it had, and only such places let a waiting batch go over the limit") {
  InProgressBudget budget(2, 200);
  budget.take(100);
  budget.take(100);
  CHECK_FALSE(budget.admits_in_line(100));
  budget.leave_to_key();
  CHECK(budget.batches() == 2);
  CHECK(budget.operations() == 200);
  // The other batch's job will end and make room: it is worth waiting for.
  CHECK_FALSE(budget.admits_in_line(100));
  budget.give_back(100);
  CHECK(budget.admits_in_line(100));
  budget.take(100);
  budget.leave_to_key();
  // Two keys fill the budget; nothing is followed that could end.
  CHECK_FALSE(budget.admits(100));
  CHECK(budget.admits_in_line(100));
  budget.take(100);
  CHECK_FALSE(budget.admits_in_line(100));
  budget.give_back(100);
  budget.give_keys_back(2, 200);
  CHECK(budget.batches() == 0);
  CHECK(budget.operations() == 0);
  CHECK(budget.keys() == 0);
}

TEST_CASE("What was not sent gives way when the limits fall below what is in progress") {
  struct Row {
    std::string name;
    std::uint32_t batches;
    std::uint64_t each;
    std::uint32_t limit;
    std::uint64_t operations;
    bool gives_way;
  };
  const Row rows[] = {
      {"within the limits", 3, 10, 3, 30, false},
      {"a batch too many", 3, 10, 2, 1000, true},
      {"an operation too many", 3, 10, 9, 29, true},
      {"alone it goes", 1, 10, 1, 10, false},
      {"alone it goes at its size", 1, 1, 1, 1, false},
      {"alone and larger than all of a lowered limit it is cut", 1, 10, 9, 9, true},
      {"a lone record cannot be cut", 1, 1, 1, 0, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    InProgressBudget budget(90, 450'000);
    for (std::uint32_t i = 0; i < row.batches; ++i)
      budget.take(row.each);
    budget.configure(row.limit, row.operations);
    CHECK(budget.must_give_way(row.each) == row.gives_way);
  }
}

TEST_CASE(
    "A refusal shrinks below what was in progress, and refusals that go on shrink no further by themselves") {
  InProgressBudget budget(90, 450'000);
  for (int i = 0; i < 30; ++i)
    budget.take(5000);
  budget.refused(kNow);
  const auto usable = budget.usable_batches();
  CHECK(usable < 30);
  CHECK(usable >= 20);
  CHECK(budget.usable_operations() < 150'000);
  CHECK_FALSE(budget.admits(1));
  budget.refused(kNow);
  budget.refused(kNow);
  CHECK(budget.usable_batches() == usable);
  for (int i = 0; i < 15; ++i)
    budget.give_back(5000);
  CHECK(budget.admits(5000));
  budget.refused(kNow);
  CHECK(budget.usable_batches() < 15);
}

TEST_CASE("A budget never shrinks below one batch") {
  InProgressBudget budget(90, 450'000);
  for (int i = 0; i < 10; ++i) {
    budget.take(5000);
    budget.refused(kNow);
    CHECK(budget.usable_batches() >= 1);
    CHECK(budget.usable_operations() >= 1);
    budget.give_back(5000);
    CHECK(budget.admits(5000));
  }
  budget.refused(kNow);
  CHECK(budget.admits(5000));
}

TEST_CASE("Accepted batches give a shrunken budget back slowly, and whole at the end") {
  InProgressBudget budget(90, 450'000);
  budget.take(5000);
  budget.refused(kNow);
  CHECK(budget.usable_batches() == 1);
  int accepted = 0;
  std::uint32_t last = 1;
  while (budget.usable_batches() < 90) {
    budget.accepted();
    ++accepted;
    const auto usable = budget.usable_batches();
    REQUIRE(usable >= last);
    REQUIRE(usable - last <= 1);
    last = usable;
    REQUIRE(accepted < 1000);
  }
  CHECK(accepted > 90);
  budget.accepted();
  CHECK(budget.usable_operations() == 450'000);
}

TEST_CASE("A shrunken budget grows by a batch a minute without any POST accepted, until it is whole") {
  InProgressBudget budget(4, 1000);
  CHECK_FALSE(budget.recovers_at());
  budget.recover(kNow);
  budget.take(250);
  budget.refused(kNow);
  CHECK(budget.usable_batches() == 1);
  CHECK_FALSE(budget.admits(250));
  CHECK(budget.recovers_at() == kNow + 1min);
  budget.recover(kNow + 59s);
  CHECK(budget.usable_batches() == 1);
  budget.recover(kNow + 1min);
  CHECK(budget.usable_batches() == 2);
  CHECK(budget.admits(250));
  CHECK(budget.recovers_at() == kNow + 2min);
  SUBCASE("another refusal begins the minute anew") {
    budget.refused(kNow + 90s);
    CHECK(budget.usable_batches() == 1);
    CHECK(budget.recovers_at() == kNow + 150s);
  }
  SUBCASE("whole again it stays") {
    budget.recover(kNow + 2min);
    budget.recover(kNow + 3min);
    CHECK(budget.usable_batches() == 4);
    CHECK(budget.usable_operations() == 1000);
    CHECK_FALSE(budget.recovers_at());
  }
}

TEST_CASE("Under random traffic the counts stay at or below what is usable, but for one batch alone") {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::uint32_t limit = 1 + random() % 20;
    const std::uint64_t operations = 100 + random() % 1000;
    InProgressBudget budget(limit, operations);
    std::vector<std::uint64_t> flying;
    std::uint64_t total = 0;
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t size = 1 + random() % (random() % 10 == 0 ? 2000 : 200);
      switch (random() % 5) {
        case 0:
        case 1:
          if (!budget.admits(size))
            break;
          budget.take(size);
          flying.push_back(size);
          total += size;
          REQUIRE(
              (flying.size() == 1 || (flying.size() <= budget.usable_batches() && flying.size() <= limit)));
          REQUIRE((flying.size() == 1 || (total <= budget.usable_operations() && total <= operations)));
          break;
        case 2:
          if (flying.empty())
            break;
          total -= flying.back();
          budget.give_back(flying.back());
          flying.pop_back();
          break;
        case 3:
          if (random() % 10 == 0)
            budget.refused(kNow);
          break;
        default:
          budget.accepted();
      }
      REQUIRE(budget.batches() == flying.size());
      REQUIRE(budget.operations() == total);
      REQUIRE((!flying.empty() || budget.admits(size)));
    }
  }
}
