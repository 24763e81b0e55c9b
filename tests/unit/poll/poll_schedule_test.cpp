#include "usherd/poll/poll_schedule.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <queue>
#include <vector>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

using Durations = std::function<double(std::size_t job, std::uint64_t records, Random&)>;

/// How exactly the server says when a job began and ended.
enum class Reports { nothing, seconds, milliseconds };

struct Setting {
  std::size_t jobs = 400;
  std::size_t at_once = 8;
  std::size_t warm_up = 20;  ///< jobs that are not counted
  Reports reports = Reports::nothing;
  bool one_size = false;
};

struct Seen {
  double polls = 0;     ///< mean polls a job
  double lateness = 0;  ///< mean time from a job's end to the poll that saw it, as part of its duration
};

/// Runs jobs in virtual time, some at once, each followed as a poller would.
class Simulation {
 public:
  Simulation(Setting setting, Durations durations) : setting_(setting), durations_(std::move(durations)) {}

  Seen run() {
    for (std::size_t i = 0; i < setting_.at_once; ++i)
      start(0);
    while (!due_.empty()) {
      const auto job = due_.top();
      due_.pop();
      poll(job);
    }
    const auto counted = static_cast<double>(counted_);
    return {polls_ / counted, lateness_ / counted};
  }

 private:
  struct Job {
    double poll_at = 0;
    double start = 0;
    double duration = 0;
    double seen_running = 0;
    std::uint64_t records = 0;
    std::size_t number = 0;
    unsigned polls = 0;
    bool operator>(const Job& other) const { return poll_at > other.poll_at; }
  };

  void start(double now) {
    if (started_ == setting_.jobs)
      return;
    Job job;
    job.number = started_++;
    job.start = now;
    job.records = setting_.one_size ? 5000 : 100 + random_.up_to(4900);
    job.duration = durations_(job.number, job.records, random_);
    job.poll_at = now + static_cast<double>(schedule_.first_wait(job.records).count());
    due_.push(job);
  }

  void poll(Job job) {
    const double elapsed = job.poll_at - job.start;
    ++job.polls;
    if (elapsed < job.duration) {
      job.seen_running = elapsed;
      job.poll_at +=
          static_cast<double>(schedule_.next_wait(job.records, milliseconds(elapsed), job.polls).count());
      due_.push(job);
      return;
    }
    std::optional<Milliseconds> reported;
    if (setting_.reports != Reports::nothing) {
      const double unit = setting_.reports == Reports::seconds ? 1000 : 1;
      const auto rounded = [unit](double time) { return std::floor(time / unit) * unit; };
      reported = milliseconds(rounded(job.start + job.duration) - rounded(job.start));
    }
    schedule_.learn(job.records, milliseconds(elapsed - job.seen_running), milliseconds(elapsed), reported);
    if (job.number >= setting_.warm_up) {
      ++counted_;
      polls_ += job.polls;
      lateness_ += (elapsed - job.duration) / job.duration;
    }
    start(job.poll_at);
  }

  static Milliseconds milliseconds(double value) { return Milliseconds{std::llround(value)}; }

  Setting setting_;
  Durations durations_;
  PollSchedule schedule_{7};
  Random random_{11};
  std::priority_queue<Job, std::vector<Job>, std::greater<>> due_;
  std::size_t started_ = 0;
  std::size_t counted_ = 0;
  double polls_ = 0;
  double lateness_ = 0;
};

double constant(std::size_t, std::uint64_t, Random&) {
  return 10'000;
}
double short_constant(std::size_t, std::uint64_t, Random&) {
  return 1500;
}
double linear(std::size_t, std::uint64_t records, Random&) {
  return 2000 + 3.0 * static_cast<double>(records);
}
double drifting(std::size_t job, std::uint64_t records, Random& random) {
  const double phase = std::sin(static_cast<double>(job) / 40);
  return linear(job, records, random) * (1.6 + phase) * (0.95 + 0.1 * random.unit());
}
double jumping(std::size_t job, std::uint64_t, Random&) {
  return (job / 100) % 2 == 0 ? 1000 : 10'000;
}
double tenfold(std::size_t, std::uint64_t, Random& random) {
  return 1000 * std::pow(10, random.unit());
}
double noisy(std::size_t, std::uint64_t, Random& random) {
  return 5000 * (0.9 + 0.2 * random.unit());
}

struct Bound {
  const char* what;
  Durations durations;
  Setting setting;
  double polls;
  double lateness;
};

void check(const Bound& bound) {
  for (const auto reports : {Reports::nothing, Reports::seconds, Reports::milliseconds}) {
    for (const std::size_t at_once : {1U, 8U}) {
      auto setting = bound.setting;
      setting.reports = reports;
      setting.at_once = at_once;
      const auto seen = Simulation(setting, bound.durations).run();
      CAPTURE(bound.what);
      CAPTURE(static_cast<int>(reports));
      CAPTURE(at_once);
      CHECK(seen.polls <= bound.polls);
      CHECK(seen.lateness <= bound.lateness);
    }
  }
}

}  // namespace

TEST_CASE(
    "where job times can be foretold a job takes at most three polls and is seen within a tenth of its "
    "time") {
  check({"constant", constant, {}, 2.2, 0.06});
  check({"one size", constant, {.one_size = true}, 2.2, 0.06});
  check({"a second and a half", short_constant, {}, 3, 0.1});
  check({"a part per record", linear, {}, 3, 0.1});
  check({"a tenth more or less", noisy, {}, 3, 0.1});
}

TEST_CASE("job times that drift or jump are followed") {
  check({"drifting", drifting, {}, 3, 0.12});
  // A fall to a tenth is seen by jobs that were planned for ten times as long: nine times late each.
  check({"jumping", jumping, {}, 3.2, 0.7});
}

TEST_CASE("job times that vary tenfold cost a few polls more and a third of the job's time at most") {
  check({"tenfold", tenfold, {}, 4.5, 0.33});
}

TEST_CASE("ninety jobs at once that started with nothing learnt are polled sparingly") {
  const auto seen = Simulation({.jobs = 500, .at_once = 90, .warm_up = 0}, linear).run();
  CHECK(seen.polls <= 4);
  CHECK(seen.lateness <= 0.1);
}

TEST_CASE("jobs that end at once are asked for once, soon after") {
  const auto seen =
      Simulation({.one_size = true}, [](std::size_t, std::uint64_t, Random&) { return 1.0; }).run();
  CHECK(seen.polls == doctest::Approx(1).epsilon(0.05));
  CHECK(seen.lateness <= 40);
}

TEST_CASE(
    "with nothing learnt the first poll comes after a quarter of a second and the gaps grow up to thirty "
    "seconds") {
  PollSchedule schedule(1);
  const auto near = [](Milliseconds wait, double ms) {
    return std::abs(static_cast<double>(wait.count()) - ms) <= 0.03 * ms;
  };
  CHECK(near(schedule.first_wait(5000), 250));
  CHECK(near(schedule.next_wait(5000, 250ms, 1), 375));
  CHECK(near(schedule.next_wait(5000, 625ms, 2), 562));
  CHECK(near(schedule.next_wait(5000, 60s, 30), 30'000));
  CHECK_FALSE(schedule.expected(1).has_value());
}

TEST_CASE(
    "a job that is silent for hours is asked for less and less, but at least every five minutes or so") {
  PollSchedule fresh(1);
  PollSchedule learnt(1);
  learnt.learn(5000, 100ms, 1000ms);
  for (auto* schedule : {&fresh, &learnt}) {
    CHECK(schedule->next_wait(5000, 20min, 100) >= 59s);
    CHECK(schedule->next_wait(5000, 2h, 200) >= 295s);
    CHECK(schedule->next_wait(5000, 48h, 4'000'000'000U) <= 310s);
  }
}

TEST_CASE("however long jobs take, none is left unasked for more than ten minutes") {
  PollSchedule schedule(1);
  for (int i = 0; i < 20; ++i)
    schedule.learn(5000, 0ms, 4h);
  CHECK(schedule.first_wait(5000) <= 620s);
  CHECK(schedule.next_wait(5000, 10min, 1) <= 620s);
  CHECK(schedule.next_wait(5000, 10min, 1) >= 590s);
}

TEST_CASE("a job much smaller than all before is not made to wait as long as they") {
  PollSchedule schedule(1);
  for (int i = 0; i < 20; ++i)
    schedule.learn(5000, 0ms, 10s);
  CHECK(schedule.first_wait(5000) >= 9900ms);
  CHECK(schedule.first_wait(100) <= 1300ms);
  schedule.learn(100, 20ms, 510ms);
  CHECK(schedule.first_wait(100) <= 3s);
}

TEST_CASE("a server's times are believed only where they fit what was seen") {
  PollSchedule schedule(1);
  schedule.learn(10, 200ms, 1100ms, 3600s);
  CHECK(schedule.expected(10) == 1000ms);
  PollSchedule other(1);
  other.learn(10, 900ms, 1100ms, 1050ms);
  CHECK(other.expected(10) == 1050ms);
}

TEST_CASE("senseless spans do no harm") {
  PollSchedule schedule(1);
  schedule.learn(0, -5s, -3s);
  schedule.learn(0, 10s, 1s, -4s);
  schedule.learn(50'000, 0ms, 0ms, 0ms);
  CHECK(schedule.first_wait(0) >= 20ms);
  CHECK(schedule.next_wait(0, 0ms, 0) >= 20ms);
  CHECK(schedule.first_wait(50'000) <= 620s);
}

TEST_CASE("one job that takes a hundred times as long does not spoil the schedule") {
  PollSchedule schedule(1);
  for (int i = 0; i < 20; ++i)
    schedule.learn(5000, 0ms, 1000ms);
  schedule.learn(5000, 0ms, 100s);
  CHECK(*schedule.expected(5000) <= 1500ms);
}

TEST_CASE(
    "a job that waits for its first poll is asked for sooner once others turn out shorter, not by chance") {
  PollSchedule schedule(1);
  CHECK_FALSE(schedule.sooner(5000, 200s));
  for (int i = 0; i < 20; ++i)
    schedule.learn(5000, 0ms, 200s);
  const auto set = schedule.first_wait(5000);
  CHECK_FALSE(schedule.sooner(5000, set));
  for (int i = 0; i < 8; ++i)
    schedule.learn(5000, 0ms, 120s);
  const auto sooner = schedule.sooner(5000, set);
  REQUIRE(sooner);
  CHECK(*sooner < set * 9 / 10);
  CHECK_FALSE(schedule.sooner(5000, *sooner));
  SUBCASE("where job times vary, one short job says nothing") {
    for (int i = 0; i < 100; ++i)
      schedule.learn(5000, 0ms, i % 2 == 0 ? 40s : 200s);
    const auto now = schedule.first_wait(5000);
    schedule.learn(5000, 0ms, 40s);
    CHECK_FALSE(schedule.sooner(5000, now));
  }
}

TEST_CASE("waits are spread, and one seed gives one schedule") {
  PollSchedule first(1);
  PollSchedule same(1);
  PollSchedule other(2);
  bool spread = false;
  bool differs = false;
  auto last = 0ms;
  for (int i = 0; i < 20; ++i) {
    const auto wait = first.first_wait(1);
    CHECK(wait == same.first_wait(1));
    differs = differs || wait != other.first_wait(1);
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
