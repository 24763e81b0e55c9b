#include "usherd/poll/poll_schedule.hpp"

#include "tests/unit/poll/job_simulation.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <optional>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

double constant(const SimulatedJob&, Random&) {
  return 10'000;
}
double short_constant(const SimulatedJob&, Random&) {
  return 1500;
}
double minute(const SimulatedJob&, Random&) {
  return 60'000;
}
double linear(const SimulatedJob& job, Random&) {
  return 2000 + 3.0 * static_cast<double>(job.records);
}
double noisy(const SimulatedJob&, Random& random) {
  return 5000 * (0.9 + 0.2 * random.unit());
}
double swaying(const SimulatedJob& job, Random& random) {
  const double phase = std::sin(static_cast<double>(job.number) / 40);
  return linear(job, random) * (1.6 + phase) * (0.95 + 0.1 * random.unit());
}
double jumping(const SimulatedJob& job, Random&) {
  return (job.number / 100) % 2 == 0 ? 1000 : 10'000;
}
double tenfold(const SimulatedJob&, Random& random) {
  return 1000 * std::pow(10, random.unit());
}
/// From 20 s to 200 s and back, in half an hour.
double drifting(const SimulatedJob& job, Random&) {
  const double turn = 2 * std::numbers::pi * job.accepted / 1'800'000;
  return 20'000 * std::pow(10, 0.5 - 0.5 * std::cos(turn));
}
double drifting_by_size(const SimulatedJob& job, Random& random) {
  return drifting(job, random) * (0.4 + 0.6 * static_cast<double>(job.records) / 5000);
}
double drifting_and_varying(const SimulatedJob& job, Random& random) {
  return drifting(job, random) * (1 + random.unit());
}
double hanging(const SimulatedJob& job, Random& random) {
  return minute(job, random) * (random.unit() < 0.01 ? 5 : 1);
}

struct Bound {
  const char* what;
  Durations durations;
  Setting setting;
  double polls;
  double lateness;
};

void check_one(const Bound& bound) {
  const auto seen = Simulation(bound.setting, bound.durations).run();
  CAPTURE(bound.what);
  CAPTURE(static_cast<int>(bound.setting.reports));
  CAPTURE(bound.setting.at_once);
  CAPTURE(bound.setting.seed);
  CHECK(seen.polls <= bound.polls);
  CHECK(seen.lateness <= bound.lateness);
}

/// Of several runs: one may be a lucky one.
void check_mean(const Bound& bound, Setting setting) {
  constexpr std::uint64_t kRuns = 6;
  Seen mean;
  for (setting.seed = 1; setting.seed <= kRuns; ++setting.seed) {
    const auto seen = Simulation(setting, bound.durations).run();
    mean.polls += seen.polls / kRuns;
    mean.lateness += seen.lateness / kRuns;
  }
  CAPTURE(bound.what);
  CAPTURE(static_cast<int>(setting.reports));
  CAPTURE(setting.at_once);
  CHECK(mean.polls <= bound.polls);
  CHECK(mean.lateness <= bound.lateness);
}

/// However exactly the server tells, one job at a time and eight.
void check(const Bound& bound) {
  for (const auto reports : {Reports::nothing, Reports::seconds, Reports::milliseconds}) {
    for (const std::size_t at_once : {1U, 8U}) {
      auto setting = bound.setting;
      setting.reports = reports;
      setting.at_once = at_once;
      check_mean(bound, setting);
    }
  }
}

/// Ninety at once for some hours, in waves and evenly spread over `length`.
void check_ninety(const Bound& bound, std::size_t jobs, double length) {
  for (const double stagger : {0.0, length / 90}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      auto one = bound;
      one.setting = {.jobs = jobs,
                     .at_once = 90,
                     .warm_up = 180,
                     .one_size = bound.setting.one_size,
                     .stagger = stagger,
                     .seed = seed};
      CAPTURE(stagger);
      check_one(one);
    }
  }
}

BootTime at(Milliseconds since_start) {
  return BootTime{since_start};
}

/// A job that was accepted at `accepted` and found finished `total` later, with its own word of it.
void finish(PollSchedule& schedule, std::uint64_t records, Milliseconds accepted, Milliseconds total) {
  PollSchedule::Job job(schedule, records, at(accepted));
  job.ended(at(accepted + total), total);
}

Milliseconds wait(const PollSchedule::Job& job, BootTime accepted) {
  return std::chrono::duration_cast<Milliseconds>(job.due() - accepted);
}

Milliseconds first_wait(PollSchedule& schedule, std::uint64_t records, Milliseconds accepted) {
  const PollSchedule::Job job(schedule, records, at(accepted));
  return wait(job, at(accepted));
}

/// From the poll that found a job processing to the next.
Milliseconds next_wait(PollSchedule& schedule, Milliseconds elapsed) {
  PollSchedule::Job job(schedule, 5000, at(1h));
  job.goes_on(at(1h + elapsed));
  return wait(job, at(1h)) - elapsed;
}

}  // namespace

TEST_CASE(
    "where job times can be foretold a job takes at most three polls and is seen within a tenth of its "
    "time") {
  check({"constant", constant, {}, 2.5, 0.06});
  check({"one size", constant, {.one_size = true}, 2.5, 0.06});
  // Times in whole seconds tell little of such a job.
  check({"a second and a half", short_constant, {}, 3, 0.14});
  check({"a part per record", linear, {}, 3, 0.1});
  check({"a tenth more or less", noisy, {}, 3, 0.1});
}

TEST_CASE("job times that sway or jump are followed") {
  check({"swaying", swaying, {}, 3, 0.12});
  // A fall to a tenth is seen by jobs that were planned for ten times as long: nine times late each.
  check({"jumping", jumping, {}, 3.2, 0.7});
}

TEST_CASE("job times that vary tenfold cost three polls and a third of the job's time at most") {
  check({"tenfold", tenfold, {}, 3.2, 0.33});
}

TEST_CASE("ninety steady jobs take one poll each and are seen within two percent of their time") {
  check_ninety({"a minute", minute, {.one_size = true}, 1.02, 0.02}, 1000, 60'000);
}

TEST_CASE("ninety jobs whose times drift tenfold are seen within a twentieth of their time, by few polls") {
  check_ninety({"drifting", drifting, {.one_size = true}, 2, 0.05}, 3000, 20'000);
  check_ninety({"drifting, by size", drifting_by_size, {}, 3, 0.08}, 3000, 20'000);
}

TEST_CASE("ninety jobs whose times drift tenfold and vary twofold take three polls, and an eighth longer") {
  check_ninety({"drifting and varying", drifting_and_varying, {.one_size = true}, 3, 0.13}, 3000, 30'000);
}

TEST_CASE("a job in a hundred that hangs does not keep the others waiting") {
  check_ninety({"hanging", hanging, {.one_size = true}, 1.5, 0.04}, 2000, 60'000);
}

TEST_CASE("ninety jobs at once that started with nothing learnt are polled sparingly") {
  const auto seen = Simulation({.jobs = 500, .at_once = 90, .warm_up = 0}, linear).run();
  CHECK(seen.polls <= 4);
  CHECK(seen.lateness <= 0.1);
}

TEST_CASE("what it cost to learn the first jobs' times makes no later poll dearer") {
  const auto varying = [](const SimulatedJob&, Random& random) { return 60'000 * (1 + random.unit()); };
  const auto seen = Simulation({.jobs = 270, .at_once = 90, .warm_up = 90, .one_size = true}, varying).run();
  CHECK(seen.polls >= 2);
  CHECK(seen.lateness <= 0.12);
}

TEST_CASE("jobs that end at once are asked for once, soon after") {
  const auto seen =
      Simulation({.at_once = 1, .one_size = true}, [](const SimulatedJob&, Random&) { return 1.0; }).run();
  CHECK(seen.polls == doctest::Approx(1).epsilon(0.05));
  CHECK(seen.lateness <= 60);
  PollSchedule schedule(1);
  for (int i = 0; i < 100; ++i)
    finish(schedule, 5000, i * 20ms, 2ms);
  CHECK(first_wait(schedule, 5000, 3s) == 10ms);
}

TEST_CASE(
    "with nothing learnt the first poll comes after a quarter of a second and the gaps grow up to thirty "
    "seconds") {
  PollSchedule schedule(1);
  const PollSchedule::Job leader(schedule, 5000, at(1h));
  PollSchedule::Job job(schedule, 5000, at(1h));
  const auto near = [](Milliseconds wait, double ms) {
    return std::abs(static_cast<double>(wait.count()) - ms) <= 0.02 * ms;
  };
  CHECK(near(wait(job, at(1h)), 250));
  job.goes_on(at(1h + 250ms));
  CHECK(near(wait(job, at(1h)) - 250ms, 375));
  job.goes_on(at(1h + 625ms));
  CHECK(near(wait(job, at(1h)) - 625ms, 562));
  for (int i = 0; i < 30; ++i)
    job.goes_on(at(1h + 60s));
  CHECK(near(wait(job, at(1h)) - 60s, 30'000));
  CHECK_FALSE(schedule.expected(1).has_value());
}

TEST_CASE("of the first job of all is asked once more, early, as it tells when to ask for the others") {
  PollSchedule schedule(1);
  PollSchedule::Job leader(schedule, 5000, at(1h));
  const PollSchedule::Job job(schedule, 5000, at(1h));
  const auto near = [](Milliseconds wait, double ms) {
    return std::abs(static_cast<double>(wait.count()) - ms) <= 0.02 * ms + 1;
  };
  CHECK(near(wait(leader, at(1h)), 50));
  leader.goes_on(at(1h + 50ms));
  CHECK(near(wait(leader, at(1h)), 300));
  leader.goes_on(at(1h + 300ms));
  CHECK(near(wait(leader, at(1h)), 675));
  CHECK(near(wait(job, at(1h)), 250));
}

TEST_CASE(
    "a job that is silent for hours is asked for less and less, but at least every five minutes or so") {
  PollSchedule fresh(1);
  PollSchedule learnt(1);
  finish(learnt, 5000, 0ms, 1000ms);
  for (auto* schedule : {&fresh, &learnt}) {
    PollSchedule::Job job(*schedule, 5000, at(1h));
    for (int i = 0; i < 100; ++i)
      job.goes_on(at(1h + 20min));
    CHECK(wait(job, at(1h)) - 20min >= 59s);
    job.goes_on(at(3h));
    CHECK(wait(job, at(1h)) - 2h >= 295s);
    job.goes_on(at(49h));
    CHECK(wait(job, at(1h)) - 48h <= 310s);
  }
}

TEST_CASE("however long jobs take, none is left unasked for more than ten minutes") {
  PollSchedule schedule(1);
  for (int i = 0; i < 20; ++i)
    finish(schedule, 5000, i * 1min, 4h);
  CHECK(first_wait(schedule, 5000, 5h) <= 620s);
  CHECK(next_wait(schedule, 10min) <= 620s);
  CHECK(next_wait(schedule, 10min) >= 590s);
}

TEST_CASE("a job much smaller than all before is not made to wait as long as they") {
  PollSchedule schedule(1);
  for (int i = 0; i < 20; ++i)
    finish(schedule, 5000, i * 1s, 10s);
  CHECK(first_wait(schedule, 5000, 31s) >= 9900ms);
  CHECK(first_wait(schedule, 100, 31s) <= 1300ms);
  finish(schedule, 100, 31s, 500ms);
  CHECK(first_wait(schedule, 100, 32s) <= 3s);
}

TEST_CASE("a server's times are believed only where they fit what was seen") {
  PollSchedule schedule(1);
  const auto found = [&](Milliseconds seen, Milliseconds total, std::optional<Milliseconds> reported) {
    PollSchedule fresh(1);
    PollSchedule::Job job(fresh, 10, at(0ms));
    job.goes_on(at(seen));
    job.ended(at(total), reported);
    return fresh.expected(10);
  };
  CHECK(found(900ms, 1100ms, 3600s) == 1000ms);
  CHECK(found(900ms, 1100ms, 1050ms) == 1050ms);
  CHECK(found(900ms, 1100ms, 1s) == 1000ms);
  CHECK(found(10s, 20s, 9500ms) == 10s);
}

TEST_CASE("jobs that always end unasked are asked earlier and earlier, until one goes on") {
  PollSchedule schedule(1);
  finish(schedule, 5000, 0ms, 100s);
  auto last = first_wait(schedule, 5000, 100s);
  for (int i = 1; i < 5; ++i) {
    PollSchedule::Job job(schedule, 5000, at(i * 200s));
    job.ended(job.due());
    CHECK(first_wait(schedule, 5000, i * 200s + 100s) < last);
    last = first_wait(schedule, 5000, i * 200s + 100s);
  }
  CHECK(last < 70s);
  SUBCASE("also where they are found late, but not by leaps: much else may have kept the poll waiting") {
    const auto before = *schedule.expected(5000);
    PollSchedule::Job job(schedule, 5000, at(1h));
    job.ended(at(2h));
    CHECK(*schedule.expected(5000) < before);
    CHECK(*schedule.expected(5000) > before * 9 / 10);
  }
}

TEST_CASE("senseless spans do no harm") {
  PollSchedule schedule(1);
  PollSchedule::Job backwards(schedule, 0, at(10s));
  backwards.goes_on(at(8s));
  backwards.ended(at(7s));
  PollSchedule::Job again(schedule, 0, at(10s));
  again.goes_on(at(20s));
  again.goes_on(at(15s));
  again.ended(at(11s), -4s);
  again.ended(at(11s), -4s);
  finish(schedule, 50'000, 0ms, 0ms);
  CHECK(first_wait(schedule, 0, 20s) >= 10ms);
  CHECK(next_wait(schedule, 0ms) >= 10ms);
  CHECK(first_wait(schedule, 50'000, 20s) <= 620s);
}

TEST_CASE("one job that takes a hundred times as long does not spoil the schedule") {
  PollSchedule schedule(1);
  for (int i = 0; i < 20; ++i)
    finish(schedule, 5000, i * 1s, 1000ms);
  finish(schedule, 5000, 20s, 100s);
  CHECK(*schedule.expected(5000) <= 1500ms);
}

TEST_CASE("where job times vary by chance, one short job moves nothing") {
  PollSchedule schedule(1);
  for (int i = 0; i < 200; ++i)
    finish(schedule, 5000, i * 1s, i % 2 == 0 ? 40s : 200s);
  const PollSchedule::Job job(schedule, 5000, at(400s));
  const auto before = *schedule.expected(5000);
  finish(schedule, 5000, 401s, 40s);
  CHECK(*schedule.expected(5000) >= before * 95 / 100);
}

TEST_CASE("waits are spread, and one seed gives one schedule") {
  PollSchedule first(1);
  PollSchedule same(1);
  PollSchedule other(2);
  bool spread = false;
  bool differs = false;
  auto last = 0ms;
  for (int i = 0; i < 20; ++i) {
    const auto wait = first_wait(first, 1, 0ms);
    CHECK(wait == first_wait(same, 1, 0ms));
    differs = differs || wait != first_wait(other, 1, 0ms);
    spread = spread || (i > 0 && wait != last);
    last = wait;
  }
  CHECK(spread);
  CHECK(differs);
}

TEST_CASE("the duration that a job reports needs both times in their order") {
  JobAnswer answer;
  CHECK_FALSE(reported_duration(answer).has_value());
  answer.created = WallTime{1000ms};
  CHECK_FALSE(reported_duration(answer).has_value());
  answer.finished = WallTime{999ms};
  CHECK_FALSE(reported_duration(answer).has_value());
  answer.finished = WallTime{2500ms};
  CHECK(reported_duration(answer) == 1500ms);
}
