#pragma once

#include "usherd/poll/poll_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace usherd {

/// What a job takes, in milliseconds.
struct SimulatedJob {
  double accepted = 0;  ///< ms from the start
  std::uint64_t records = 0;
  std::size_t number = 0;
};
using Durations = std::function<double(const SimulatedJob&, Random&)>;

/// How exactly the server says when a job began and ended.
enum class Reports { nothing, seconds, milliseconds };

struct Setting {
  std::size_t jobs = 400;
  std::size_t at_once = 8;
  std::size_t warm_up = 20;  ///< jobs that are not counted
  Reports reports = Reports::milliseconds;
  bool one_size = false;
  double stagger = 0;  ///< ms between the first jobs, so that they do not come in waves
  std::uint64_t seed = 7;
};

struct Seen {
  double polls = 0;     ///< mean polls a job
  double lateness = 0;  ///< mean time from a job's end to the poll that saw it, as part of the mean duration
};

/// Runs jobs in virtual time, some at once, each followed as the poller does it, with a request every 50 ms
/// at most. A job that is found to have ended makes room for the next.
class Simulation {
 public:
  Simulation(Setting setting, Durations durations) : setting_(setting), durations_(std::move(durations)) {}

  Seen run() {
    for (std::size_t i = 0; i < setting_.at_once; ++i) {
      now_ = std::max(now_, static_cast<double>(i) * setting_.stagger);
      start();
    }
    while (!live_.empty()) {
      const auto next = std::min_element(
          live_.begin(), live_.end(), [](const auto& a, const auto& b) { return a->poll_at < b->poll_at; });
      now_ = std::max((*next)->poll_at, last_poll_ + kBetweenPolls);
      last_poll_ = now_;
      poll(static_cast<std::size_t>(next - live_.begin()));
    }
    return {polls_ / counted_, late_ / durations_of_counted_};
  }

 private:
  static constexpr double kBetweenPolls = 50;

  struct Live {
    SimulatedJob job;
    double duration = 0;
    double poll_at = 0;
    unsigned polls = 0;
    std::unique_ptr<PollSchedule::Job> followed;
  };

  void start() {
    if (started_ == setting_.jobs)
      return;
    auto live = std::make_unique<Live>();
    live->job = {now_, setting_.one_size ? 5000 : 100 + random_.up_to(4900), started_++};
    live->duration = durations_(live->job, random_);
    live->followed = std::make_unique<PollSchedule::Job>(schedule_, live->job.records, time(now_));
    plan(*live);
    live_.push_back(std::move(live));
  }

  void plan(Live& live) {
    const auto due = std::chrono::duration<double, std::milli>(live.followed->due().time_since_epoch());
    live.poll_at = std::max(now_, due.count());
  }

  void poll(std::size_t index) {
    auto& live = *live_[index];
    ++live.polls;
    const double end = live.job.accepted + live.duration;
    if (now_ < end) {
      live.followed->goes_on(time(now_));
      plan(live);
    } else {
      live.followed->ended(time(now_), reported(live));
      if (live.job.number >= setting_.warm_up) {
        counted_ += 1;
        polls_ += live.polls;
        late_ += now_ - end;
        durations_of_counted_ += live.duration;
      }
      live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(index));
      start();
    }
    if (!schedule_.has_moved())
      return;
    for (const auto& other : live_)
      plan(*other);
  }

  [[nodiscard]] std::optional<Milliseconds> reported(const Live& live) const {
    if (setting_.reports == Reports::nothing)
      return std::nullopt;
    const double unit = setting_.reports == Reports::seconds ? 1000 : 1;
    const auto rounded = [unit](double ms) { return std::floor(ms / unit) * unit; };
    const double span = rounded(live.job.accepted + live.duration) - rounded(live.job.accepted);
    return Milliseconds{std::llround(span)};
  }

  static BootTime time(double ms) { return BootTime{std::chrono::microseconds{std::llround(ms * 1000)}}; }

  Setting setting_;
  Durations durations_;
  PollSchedule schedule_{setting_.seed};
  Random random_{setting_.seed + 4};
  std::vector<std::unique_ptr<Live>> live_;
  std::size_t started_ = 0;
  double now_ = 0;
  double last_poll_ = -kBetweenPolls;
  double counted_ = 0;
  double polls_ = 0;
  double late_ = 0;
  double durations_of_counted_ = 0;
};

}  // namespace usherd
