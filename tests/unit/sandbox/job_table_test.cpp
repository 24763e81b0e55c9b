#include "src/sandbox/job_table.hpp"
#include "src/sandbox/users_in_flight.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace usherd;
using namespace usherd::sandbox;

namespace {

const WallTime kNow{std::chrono::hours(1000)};

/// A job table with small limits.
class Bench {
 public:
  Bench() {
    settings.running_batches = 2;
    settings.in_progress_batches = 4;
    settings.in_progress_operations = 100;
    settings.job_time.fixed = Milliseconds(1000);
  }
  Job& enter(std::uint64_t records, WallTime now = kNow) {
    Job job;
    job.number = ++jobs;
    job.id = "j" + std::to_string(jobs);
    job.records = records;
    return table.enter(std::move(job), now, settings, random);
  }
  std::string due(WallTime now) {
    std::string ids;
    for (const Job* job : table.take_due(now, settings, random))
      ids += job->id;
    return ids;
  }
  Settings settings;
  Random random{1};
  JobTable table;
  std::uint64_t jobs = 0;
};

}  // namespace

TEST_CASE("only so many jobs run, the others wait for their turn") {
  Bench bench;
  CHECK(bench.enter(1).state == JobState::running);
  CHECK(bench.enter(1, kNow + Milliseconds(500)).state == JobState::running);
  const Job& third = bench.enter(1, kNow + Milliseconds(600));
  CHECK(third.state == JobState::waiting);
  CHECK(bench.table.next_due() == kNow + Milliseconds(1000));
  CHECK(bench.due(kNow + Milliseconds(999)).empty());
  CHECK(bench.due(kNow + Milliseconds(1000)) == "j1");
  CHECK(third.state == JobState::running);
  CHECK(third.started == kNow + Milliseconds(1000));
}

TEST_CASE("a late look ends every job at the time it was due") {
  Bench bench;
  for (int i = 0; i < 4; ++i)
    (void)bench.enter(1);
  CHECK(bench.due(kNow + std::chrono::hours(1)) == "j1j2j3j4");
  CHECK(bench.table.find("j4")->finished == kNow + Milliseconds(2000));
  CHECK(bench.table.in_progress_batches() == 0);
  CHECK(bench.table.in_progress_operations() == 0);
}

TEST_CASE("a batch is too many by count or by operations") {
  Bench bench;
  CHECK_FALSE(bench.table.is_full(100, bench.settings));
  CHECK(bench.table.is_full(101, bench.settings));
  bench.settings.crossing = Crossing::before;
  CHECK_FALSE(bench.table.is_full(101, bench.settings));
  (void)bench.enter(100);
  CHECK(bench.table.is_full(1, bench.settings));
  bench.settings.in_progress_operations = 1000;
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(bench.table.is_full(1, bench.settings));
    (void)bench.enter(1);
  }
  CHECK(bench.table.is_full(1, bench.settings));
}

TEST_CASE("a neighbour takes part of the budget and of the gate") {
  Bench bench;
  bench.table.set_neighbour({3, 50});
  CHECK_FALSE(bench.table.is_full(50, bench.settings));
  CHECK(bench.table.is_full(51, bench.settings));
  CHECK(bench.enter(1).state == JobState::waiting);
  CHECK(bench.table.is_full(1, bench.settings));
  bench.table.set_neighbour({});
  CHECK(bench.due(kNow).empty());
  CHECK(bench.table.find("j1")->state == JobState::running);
}

TEST_CASE("a job's time has a fixed part, a part by its size and a random part") {
  Bench bench;
  bench.settings.job_time_per_thousand = Milliseconds(2000);
  CHECK(bench.enter(50).due == kNow + Milliseconds(1100));
  bench.settings.job_time_spread = Milliseconds(10);
  const Job& spread = bench.enter(0);
  CHECK(spread.due >= kNow + Milliseconds(1000));
  CHECK(spread.due <= kNow + Milliseconds(1010));
}

TEST_CASE("manual and stuck jobs end by hand only, one by one or all at once") {
  Bench bench;
  bench.settings.job_time.manual = true;
  for (int i = 0; i < 4; ++i)
    (void)bench.enter(1);
  CHECK_FALSE(bench.table.next_due());
  CHECK(bench.due(kNow + std::chrono::hours(10000)).empty());
  CHECK(bench.table.take_now(kNow, "j4", bench.settings, bench.random).size() == 1);
  CHECK(bench.table.take_now(kNow, "j4", bench.settings, bench.random).empty());
  CHECK(bench.table.take_now(kNow, "", bench.settings, bench.random).size() == 3);
  CHECK(bench.table.in_progress_batches() == 0);
}

TEST_CASE("jobs leave by retention and take their lists with them") {
  Bench bench;
  bench.settings.retention = std::chrono::hours(1);
  bench.enter(1).imports.users.assign(1, 0);
  (void)bench.due(kNow + Milliseconds(1000));
  const WallTime end = kNow + Milliseconds(1000);
  bench.table.forget(end + std::chrono::minutes(59), bench.settings.retention);
  CHECK(bench.table.find("j1")->is_visible());
  bench.table.forget(end + std::chrono::minutes(60), bench.settings.retention);
  CHECK_FALSE(bench.table.find("j1")->is_visible());
  CHECK(bench.table.find("j1")->imports.size() == 0);
}

TEST_CASE("a user in two unfinished jobs is counted, one job after the other is not") {
  UsersInFlight users;
  users.enter({1, 2});
  users.leave({1, 2});
  users.enter({2, 3});
  CHECK(users.in_two_jobs() == 0);
  users.enter({3, 4});
  CHECK(users.in_two_jobs() == 1);
  users.leave({2, 3});
  users.enter({3});
  CHECK(users.in_two_jobs() == 2);
}
