#include "usherd/submit/budget_recovery.hpp"

#include "tests/unit/submit/loop.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <doctest/doctest.h>

using namespace usherd;
using usherd::test::Loop;
using namespace std::chrono_literals;

TEST_CASE("Whoever waits for the budget is told of each step back, and nothing wakes while it is whole") {
  Loop loop;
  InProgressBudget budget(2, 100);
  BudgetRecovery recovery(budget, loop.timers);
  int told = 0;
  boost::asio::cancellation_signal end;
  boost::asio::co_spawn(loop.context, recovery.run([&told] { ++told; }),
                        boost::asio::bind_cancellation_slot(end.slot(), [](const std::exception_ptr&) {}));
  loop.poll();
  loop.pass(24h);
  CHECK(told == 0);
  budget.take(10);
  recovery.refused();
  loop.poll();
  loop.pass(59s);
  CHECK(told == 0);
  CHECK(budget.usable_batches() == 1);
  SUBCASE("after a minute") {
    loop.pass(1s);
    CHECK(told == 1);
    CHECK(budget.usable_batches() == 2);
    loop.pass(24h);
    CHECK(told == 1);
  }
  SUBCASE("after a minute without refusal") {
    recovery.refused();
    loop.poll();
    loop.pass(59s);
    CHECK(told == 0);
    loop.pass(1s);
    CHECK(told == 1);
  }
  end.emit(boost::asio::cancellation_type::terminal);
  loop.poll();
}
