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
  ActiveBatch batch;
  batch.row.users = {1, 2, 3};
  BudgetRecovery recovery(budget, loop.timers);
  int told = 0;
  boost::asio::cancellation_signal end;
  boost::asio::co_spawn(loop.context, recovery.run([&told] { ++told; }),
                        boost::asio::bind_cancellation_slot(end.slot(), [](const std::exception_ptr&) {}));
  loop.poll();
  loop.pass(24h);
  CHECK(told == 0);
  budget.take(3);
  batch.has_place = batch.is_posting = true;
  recovery.refused(batch);
  loop.poll();
  loop.pass(59s);
  CHECK(budget.usable_batches() == 1);
  SUBCASE("after a minute") {
    told = 0;
    loop.pass(1s);
    CHECK(told > 0);
    CHECK(budget.usable_batches() == 2);
    told = 0;
    loop.pass(24h);
    CHECK(told == 0);
  }
  SUBCASE("after a minute without refusal") {
    recovery.refused(batch);
    loop.poll();
    loop.pass(59s);
    CHECK(budget.usable_batches() == 1);
    loop.pass(1s);
    CHECK(budget.usable_batches() == 2);
  }
  SUBCASE("when a POST ends, for each once") {
    told = 0;
    recovery.begin_post(batch);
    recovery.end_post(batch);
    CHECK(told == 1);
    recovery.end_post(batch);
    CHECK(told == 1);
    recovery.begin_post(batch);
    CHECK(batch.is_posting);
    recovery.accepted(batch);
    CHECK_FALSE(batch.is_posting);
    CHECK(told > 1);
    // Nothing of an earlier key: it has no place of its own.
    batch.has_place = false;
    recovery.begin_post(batch);
    CHECK_FALSE(batch.is_posting);
  }
  end.emit(boost::asio::cancellation_type::terminal);
  loop.poll();
}
