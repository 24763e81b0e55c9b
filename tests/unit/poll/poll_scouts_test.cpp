#include "usherd/poll/poll_schedule.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

BootTime at(Milliseconds since_start) {
  return BootTime{since_start};
}

Milliseconds wait(const PollSchedule::Job& job, BootTime accepted) {
  return std::chrono::duration_cast<Milliseconds>(job.due() - accepted);
}

/// Waves of ten jobs, one a second, the jobs of each taking as long, found at their ends; each wave other
/// than the last.
void drift(PollSchedule& schedule, const std::vector<Milliseconds>& durations) {
  Milliseconds begin{0};
  for (const auto duration : durations) {
    std::vector<std::unique_ptr<PollSchedule::Job>> wave;
    for (int i = 0; i < 10; ++i)
      wave.push_back(std::make_unique<PollSchedule::Job>(schedule, 5000, at(begin + i * 1s)));
    for (int i = 0; i < 10; ++i)
      wave[static_cast<std::size_t>(i)]->ended(at(begin + i * 1s + duration), duration);
    begin += 1000s;
  }
  (void)schedule.has_moved();
}

struct Wave {
  explicit Wave(PollSchedule& schedule) {
    for (int i = 0; i < 10; ++i)
      jobs.push_back(std::make_unique<PollSchedule::Job>(schedule, 5000, at(100'000s + i * 1s)));
  }
  [[nodiscard]] Milliseconds wait_of(std::size_t job) const {
    return wait(*jobs[job], at(100'000s + static_cast<int>(job) * 1s));
  }
  /// The first two are found going on so long after their acceptance.
  void scouts_go_on(Milliseconds elapsed) {
    jobs[0]->goes_on(at(100'000s + elapsed));
    jobs[1]->goes_on(at(100'001s + elapsed));
  }

  std::vector<std::unique_ptr<PollSchedule::Job>> jobs;
};

const std::vector<Milliseconds> kFalling{200s, 160s, 128s, 102s};

}  // namespace

TEST_CASE("while job times drift the two oldest jobs of a wave are asked early, the others wait") {
  PollSchedule schedule(1);
  drift(schedule, kFalling);
  const Wave wave(schedule);
  CHECK(wave.wait_of(0) < 60s);
  CHECK(wave.wait_of(1) < 60s);
  CHECK(wave.wait_of(2) >= 100s);
  CHECK(wave.wait_of(9) >= 100s);
  SUBCASE("in steady times nobody scouts") {
    PollSchedule steady(1);
    drift(steady, {100s, 100s, 100s, 100s});
    const Wave other(steady);
    for (std::size_t i = 0; i < 10; ++i)
      CHECK(other.wait_of(i) >= 100s);
  }
}

TEST_CASE("what a scout took is expected of the others at once") {
  PollSchedule schedule(1);
  drift(schedule, kFalling);
  const Wave wave(schedule);
  wave.jobs[0]->ended(at(100'082s), 81s);
  CHECK(schedule.has_moved());
  CHECK_FALSE(schedule.has_moved());
  CHECK(wave.wait_of(2) >= 79s);
  CHECK(wave.wait_of(2) <= 84s);
  CHECK(wave.wait_of(9) <= 84s);
}

TEST_CASE("while two scouts go on the others are not asked, unless they hang") {
  PollSchedule schedule(1);
  drift(schedule, {100s, 130s, 170s, 220s});
  Wave wave(schedule);
  const auto planned = wave.wait_of(2);
  wave.jobs[0]->goes_on(at(100'260s));
  CHECK(wave.wait_of(2) == planned);
  wave.scouts_go_on(260s);
  CHECK(schedule.has_moved());
  CHECK(wave.wait_of(2) > 260s);
  CHECK(wave.wait_of(2) < 330s);
  wave.scouts_go_on(1000s);
  CHECK(wave.wait_of(2) < 350s);
  SUBCASE("and then the next oldest scout") {
    CHECK(wave.wait_of(2) < 220s);
    CHECK(wave.wait_of(4) > 300s);
  }
}

TEST_CASE("a job that ends long after newer ones does not make those heard of already scouts again") {
  PollSchedule schedule(1);
  drift(schedule, kFalling);
  PollSchedule::Job late(schedule, 5000, at(99'000s));
  const Wave wave(schedule);
  wave.jobs[0]->ended(at(100'082s), 81s);
  late.ended(at(100'083s), 1083s);
  CHECK(wave.wait_of(1) >= 75s);
}

TEST_CASE("when a wave has been heard of, those who wait for the next become its scouts and are told so") {
  PollSchedule schedule(1);
  drift(schedule, kFalling);
  std::vector<std::unique_ptr<PollSchedule::Job>> first;
  for (int i = 0; i < 3; ++i)
    first.push_back(std::make_unique<PollSchedule::Job>(schedule, 5000, at(99'900s + i * 1s)));
  const Wave wave(schedule);
  CHECK(wave.wait_of(0) >= 100s);
  for (int i = 0; i < 3; ++i) {
    first[static_cast<std::size_t>(i)]->ended(at(100'002s + i * 1s), 102s);
    (void)(i < 2 && schedule.has_moved());
  }
  CHECK(schedule.has_moved());
  CHECK(wave.wait_of(0) < 60s);
}
