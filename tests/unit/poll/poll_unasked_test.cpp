#include "usherd/poll/poll_schedule.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr BootTime kStart{std::chrono::hours{5}};

/// A job that nobody asked about for `away`, after a poll that found it processing at `seen` (0: none).
void left_alone(PollSchedule& schedule, BootClock::duration seen, BootClock::duration away,
                std::optional<Milliseconds> reported = {}) {
  PollSchedule::Job job(schedule, 100, kStart);
  if (seen > 0s)
    job.goes_on(kStart + seen);
  job.ended(kStart + seen + away, reported);
}

}  // namespace

TEST_CASE("A job that nobody looked at for most of its life teaches nothing of its time") {
  for (const auto seen : {0s, 1s}) {
    for (const auto away : {60s, 120s, 3600s, 86'400s}) {
      CAPTURE(away.count());
      PollSchedule schedule(1);
      left_alone(schedule, seen, away);
      CHECK_FALSE(schedule.expected(100));
      // What took 3 s, as it says, does teach.
      left_alone(schedule, seen, away, 3000ms);
      REQUIRE(schedule.expected(100));
      CHECK(*schedule.expected(100) == 3000ms);
      // And what comes later takes nothing of that away.
      left_alone(schedule, 1s, away);
      CHECK(*schedule.expected(100) == 3000ms);
    }
  }
}

TEST_CASE("A job whose polls came when they were due teaches, however long it took") {
  PollSchedule schedule(1);
  PollSchedule::Job job(schedule, 100, kStart);
  while (job.due() < kStart + 1h)
    job.goes_on(job.due());
  const auto due = job.due();
  job.ended(due);
  REQUIRE(schedule.expected(100));
  CHECK(*schedule.expected(100) > 50min);
}
