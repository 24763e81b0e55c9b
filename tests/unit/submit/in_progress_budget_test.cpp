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

/// Jobs that the API holds.
void hold(InProgressBudget& budget, int batches, std::uint64_t each) {
  for (int i = 0; i < batches; ++i) {
    budget.take(each);
    budget.end_post(each);
  }
}

/// One more POST, refused, whose batch then gives way.
void refuse(InProgressBudget& budget, std::uint64_t operations, BootTime now) {
  budget.take(operations);
  budget.refused(operations, now);
  budget.end_post(operations);
  budget.give_back(operations);
}

/// Lets `time` pass as the daemon does.
void pass(InProgressBudget& budget, BootTime& now, BootClock::duration time) {
  const auto end = now + time;
  while (budget.recovers_at() && *budget.recovers_at() <= end) {
    now = *budget.recovers_at();
    budget.recover(now);
  }
  now = end;
}

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

TEST_CASE("Abandoned keys may hold half of the places, or of the operations") {
  InProgressBudget budget(4, 100);
  CHECK_FALSE(budget.is_half_keys());
  budget.take_keys(1, 49);
  CHECK_FALSE(budget.is_half_keys());
  budget.take(1);
  budget.leave_to_key(1);
  CHECK(budget.is_half_keys());
  budget.give_keys_back(1, 1);
  CHECK_FALSE(budget.is_half_keys());
  budget.give_keys_back(1, 49);
  budget.take_keys(1, 50);
  CHECK(budget.is_half_keys());
}

TEST_CASE(
    "An abandoned key keeps the place it had, and only such places let a waiting batch go over the limit") {
  InProgressBudget budget(2, 200);
  budget.take(100);
  budget.take(100);
  CHECK_FALSE(budget.admits_in_line(100));
  budget.leave_to_key(100);
  CHECK(budget.batches() == 2);
  CHECK(budget.operations() == 200);
  // The other batch's job will end and make room: it is worth waiting for.
  CHECK_FALSE(budget.admits_in_line(100));
  budget.give_back(100);
  CHECK(budget.admits_in_line(100));
  budget.take(100);
  budget.leave_to_key(100);
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

TEST_CASE("A refusal shrinks below what the API held, and POSTs that were under way then shrink no further") {
  InProgressBudget budget(90, 450'000);
  hold(budget, 30, 5000);
  for (int i = 0; i < 8; ++i)
    budget.take(5000);
  budget.refused(5000, kNow);
  const auto usable = budget.usable_batches();
  CHECK(usable < 30);
  CHECK(usable >= 27);
  CHECK(budget.usable_operations() < 150'000);
  CHECK(budget.must_give_way(5000));
  for (int i = 1; i < 8; ++i)
    budget.refused(5000, kNow);
  CHECK(budget.usable_batches() == usable);
}

TEST_CASE("A budget never shrinks below one batch") {
  InProgressBudget budget(90, 450'000);
  auto now = kNow;
  for (int i = 0; i < 10; ++i) {
    hold(budget, 1, 5000);
    refuse(budget, 5000, now);
    CHECK(budget.usable_batches() >= 1);
    CHECK(budget.usable_operations() >= 1);
    budget.give_back(5000);
    CHECK(budget.admits(5000));
    now += 2s;
  }
  refuse(budget, 5000, now);
  CHECK(budget.usable_batches() == 1);
  CHECK(budget.admits(5000));
  CHECK(budget.admits(1'000'000));
}

TEST_CASE("As many POSTs go at once as fit, until the first is refused; then one, and more as they pass") {
  InProgressBudget budget(90, 450'000);
  for (int i = 0; i < 90; ++i) {
    REQUIRE(budget.admits(5000));
    budget.take(5000);
  }
  for (int i = 0; i < 90; ++i)
    budget.end_post(5000);
  refuse(budget, 5000, kNow);
  for (int i = 0; i < 60; ++i)
    budget.give_back(5000);
  const auto at_once = [&] {
    int posts = 0;
    for (; budget.admits(5000); ++posts)
      budget.take(5000);
    return posts;
  };
  const auto all_pass = [&](int posts) {
    for (; posts > 0; --posts) {
      budget.end_post(5000);
      budget.accepted(5000, kNow);
    }
  };
  const auto first = at_once();
  CHECK(first == 1);
  all_pass(first);
  int most = first;
  int last = first;
  while (const int posts = at_once()) {
    REQUIRE(posts <= most + 2);
    most = std::max(most, posts);
    last = posts;
    all_pass(posts);
  }
  CHECK(most >= 3);
  // The nearer to the level the fewer.
  CHECK(last == 1);
  CHECK(budget.batches() == budget.usable_batches());
}

TEST_CASE("What waits to be sent gives way to the POST under way where only one may be") {
  InProgressBudget budget(12, 1200);
  hold(budget, 8, 100);
  refuse(budget, 100, kNow);
  for (int i = 0; i < 6; ++i)
    budget.give_back(100);
  budget.take(100);
  CHECK_FALSE(budget.must_give_way(100));
  budget.take(100);
  REQUIRE(budget.batches() < budget.usable_batches());
  CHECK(budget.must_give_way(100));
  budget.end_post(100);
  CHECK_FALSE(budget.must_give_way(100));
}

TEST_CASE("A batch that backs off beside a shrunken budget lets others go, and goes again without a turn") {
  InProgressBudget budget(12, 1200);
  hold(budget, 6, 100);
  refuse(budget, 100, kNow);
  budget.give_back(100);
  budget.give_back(100);
  budget.give_back(100);
  REQUIRE(budget.admits(100));
  budget.take(100);
  CHECK_FALSE(budget.admits(100));
  // The API answers its key with a stored 500.
  budget.end_post(100);
  REQUIRE(budget.batches() < budget.usable_batches());
  budget.give_back(100);
  CHECK(budget.admits(100));
  hold(budget, 1, 100);
  budget.begin_post(100);
  CHECK_FALSE(budget.admits(100));
  budget.end_post(100);
  budget.give_back(100);
  CHECK(budget.admits(100));
}

TEST_CASE("A POST that is never answered is waited for a minute at most") {
  InProgressBudget budget(90, 450'000);
  hold(budget, 60, 5000);
  auto now = kNow;
  refuse(budget, 5000, now);
  for (int i = 0; i < 30; ++i)
    budget.give_back(5000);
  budget.take(5000);
  pass(budget, now, 59s);
  CHECK_FALSE(budget.admits(5000));
  pass(budget, now, 1s);
  CHECK(budget.admits(5000));
  budget.take(5000);
  CHECK_FALSE(budget.admits(5000));
  pass(budget, now, 1min);
  CHECK(budget.admits(5000));
}

TEST_CASE("A shrunken budget grows by a batch a minute without any POST accepted, until it is whole") {
  InProgressBudget budget(4, 1000);
  CHECK_FALSE(budget.recovers_at());
  auto now = kNow;
  budget.recover(now);
  hold(budget, 1, 250);
  refuse(budget, 250, now);
  CHECK(budget.usable_batches() == 1);
  CHECK_FALSE(budget.admits(250));
  pass(budget, now, 59s);
  CHECK(budget.usable_batches() == 1);
  pass(budget, now, 1s);
  CHECK(budget.usable_batches() == 2);
  CHECK(budget.admits(250));
  SUBCASE("another refusal begins the minute anew") {
    refuse(budget, 250, now);
    CHECK(budget.usable_batches() == 1);
    pass(budget, now, 59s);
    CHECK(budget.usable_batches() == 1);
    pass(budget, now, 1s);
    CHECK(budget.usable_batches() == 2);
  }
  SUBCASE("whole again it stays") {
    pass(budget, now, 3min);
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
    auto now = kNow;
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
          budget.end_post(size);
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
            refuse(budget, size, now);
          break;
        default:
          budget.accepted(size, now);
          pass(budget, now, std::chrono::seconds{random() % 20});
      }
      REQUIRE(budget.batches() == flying.size());
      REQUIRE(budget.operations() == total);
      REQUIRE((!flying.empty() || budget.admits(size)));
    }
  }
}
