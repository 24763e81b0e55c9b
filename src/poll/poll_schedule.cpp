#include "usherd/poll/poll_schedule.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>

namespace usherd {
namespace {

constexpr double kFirstGuess = 250;
/// Of the first job of all one is asked once more before: until it has ended nobody knows when to ask for the
/// others.
constexpr double kFirstLook = 50;
constexpr double kGuessGrowth = 1.5;
constexpr double kLeastWait = 10;
constexpr double kGuessCap = 30'000;
constexpr double kMostWait = 300'000;
/// A poll that comes so late, and most of the job's time after it was due, tells nothing of that time: usherd
/// was down, or held by a Retry-After.
constexpr double kLate = 10'000;
constexpr double kMostlyLate = 0.5;
/// Between polls of a job that takes longer than any before, as a part of the time gone.
constexpr double kBeyond = 0.2;

/// Polls a job that are aimed at on average, scouts included; the price of one moves by a percent for each
/// that a job took more or less.
constexpr double kAllowance = 2.65;
constexpr double kPriceStep = 0.01;
/// However few polls are needed, none is worth less than this.
constexpr double kLeastPrice = 0.02;
constexpr double kMostPrice = 0.3;

/// A job accepted more than this part of its time after all that have ended is told nothing by them.
constexpr double kFar = 0.25;
/// Scouts are asked from this on, as a part of the expected time, later where little was foretold wrongly.
constexpr double kScoutFrom = 0.5;
constexpr double kScoutErrors = 5;
/// In steps of this, wider where few jobs profit.
constexpr double kScoutStep = 0.03;
constexpr double kMostScoutStep = 0.15;
constexpr double kScoutStepsOfAll = 1.6;
/// With fewer jobs than this to profit nobody scouts.
constexpr std::size_t kLeastWave = 2;
/// A job that takes so many times as long as expected is no scout: it hangs.
constexpr double kHangs = 1.5;

double count(Milliseconds duration) {
  return static_cast<double>(duration.count());
}

/// Jobs that are silent for long are asked for less often: 30 s apart in the first ten minutes, 5 min after
/// 100.
double longest_wait(double elapsed) {
  return std::clamp(elapsed / 20, kGuessCap, kMostWait);
}

}  // namespace

std::optional<Milliseconds> reported_duration(const JobAnswer& answer) {
  if (!answer.created || !answer.finished || *answer.finished < *answer.created)
    return std::nullopt;
  return *answer.finished - *answer.created;
}

PollSchedule::Job::Job(PollSchedule& schedule, std::uint64_t records, BootTime accepted)
    : schedule_(schedule),
      records_(static_cast<double>(records)),
      rank_(accepted, schedule.begun_++),
      foretold_(schedule.estimate_.expected(records_)),
      spread_(1 + 0.01 * schedule.random_.unit()) {
  schedule_.ahead_.insert(rank_);
}

PollSchedule::Job::~Job() {
  schedule_.ahead_.erase(rank_);
}

double PollSchedule::Job::since_accepted(BootTime now) const {
  return std::max(0.0, in_milliseconds(now - rank_.first));
}

BootTime PollSchedule::Job::due() const {
  return rank_.first + std::chrono::microseconds(std::llround(1000 * schedule_.ask_at(*this)));
}

void PollSchedule::Job::goes_on(BootTime asked) {
  seen_ = std::max(seen_, since_accepted(asked));
  ++polls_;
  schedule_.goes_on(*this);
}

void PollSchedule::Job::ended(BootTime found, std::optional<Milliseconds> reported) {
  ++polls_;
  schedule_.learn(*this, since_accepted(found), reported);
}

bool PollSchedule::has_moved() {
  const double now = estimate_.is_empty() ? 0 : estimate_.expected_at_least(estimate_.mean_records());
  if (!has_new_scouts_ && std::abs(now - told_) <= 0.005 * told_)
    return false;
  told_ = now;
  has_new_scouts_ = false;
  return true;
}

std::optional<Milliseconds> PollSchedule::expected(std::uint64_t records) const {
  if (estimate_.is_empty())
    return std::nullopt;
  return Milliseconds{std::llround(estimate_.expected(static_cast<double>(records)))};
}

/// Milliseconds after the job's acceptance.
double PollSchedule::ask_at(const Job& job) {
  double at = 0;
  if (estimate_.is_empty()) {
    at = job.seen_ + guessed(job);
  } else {
    at = planned(job);
  }
  at = std::min(at, job.seen_ + count(kLongestSilence));
  return job.seen_ + std::max(kLeastWait, (at - job.seen_) * job.spread_);
}

/// How long to wait for a job while none has ended.
double PollSchedule::guessed(const Job& job) const {
  const bool leads = job.rank_.second == 0;
  if (leads && job.polls_ == 0)
    return kFirstLook;
  const auto polls = std::min(job.polls_ - (leads ? 1 : 0), 64U);
  return std::min(kFirstGuess * std::pow(kGuessGrowth, polls), longest_wait(job.seen_));
}

double PollSchedule::planned(const Job& job) {
  const bool scouts = is_scout(job);
  const double expected =
      std::max(scouts ? estimate_.expected(job.records_) : estimate_.expected_at_least(job.records_), 1.0);
  const double part = job.seen_ / expected;
  const double next = scouts ? scouted(part) : plan_.next(part);
  if (next <= 0)
    return job.seen_ + std::min(job.seen_ * kBeyond, longest_wait(job.seen_));
  if (estimate_.has_slope() || job.polls_ > 0)
    return next * expected;
  // Nothing tells yet how a much smaller job would do.
  const double size = job.records_ / std::max(estimate_.mean_records(), 1.0);
  return next * expected * std::clamp(size * 1.1, 0.1, 1.0);
}

/// The next part of the expected time at which to ask a scout seen going on at `part`.
double PollSchedule::scouted(double part) const {
  const double step =
      std::clamp(kScoutStepsOfAll / static_cast<double>(ahead_.size()), kScoutStep, kMostScoutStep);
  const double from = std::clamp(1 - kScoutErrors * estimate_.error(), kScoutFrom, 0.95);
  return part < from - step ? from : part + step * std::max(1.0, part * part);
}

/// Whether the jobs that ended tell nothing of one accepted then.
bool PollSchedule::is_far(BootTime accepted, double records) const {
  return !newest_ || in_milliseconds(accepted - *newest_) > kFar * estimate_.expected(records);
}

bool PollSchedule::is_scout(const Job& job) const {
  if (!is_scouting() || !is_far(job.rank_.first, job.records_))
    return false;
  const auto first = ahead_.begin();
  return *first == job.rank_ || *std::next(first) == job.rank_;
}

bool PollSchedule::is_scouting() const {
  return estimate_.drifts() && ahead_.size() >= kLeastWave;
}

void PollSchedule::goes_on(const Job& job) {
  if (estimate_.is_empty() || !ahead_.contains(job.rank_))
    return;
  const double expected = std::max(estimate_.expected(job.records_), 1.0);
  // A scout's next poll comes before the others': they wait for its word.
  const double part = (is_scout(job) ? ask_at(job) : job.seen_) / expected;
  if (job.seen_ > kHangs * expected)
    ahead_.erase(job.rank_);
  if (farthest_job_ == job.rank_) {
    farthest_ = part;
    return;
  }
  // One may hang: only what two have reached is said of all.
  estimate_.goes_on(job.records_, std::min(part, farthest_) * expected);
  if (part > farthest_) {
    farthest_ = part;
    farthest_job_ = job.rank_;
  }
}

bool PollSchedule::was_left_alone(const Job& job, double total) {
  // What ended unseen says little anyway where something is known.
  if (job.seen_ <= 0 && !estimate_.is_empty())
    return false;
  const double late = total - ask_at(job);
  return late > kLate && late > kMostlyLate * total;
}

void PollSchedule::learn(const Job& job, double total, std::optional<Milliseconds> reported) {
  if (!tells_duration(job, total, reported) && was_left_alone(job, total)) {
    pass(job);
    return;
  }
  const double duration = duration_of(job, total, reported);
  // What the first jobs of all cost says nothing of later ones.
  if (job.foretold_ > 0) {
    price_ *= std::exp(kPriceStep * (job.polls_ - kAllowance));
    price_ = std::clamp(price_, kLeastPrice, kMostPrice);
    plan_.set_price(price_);
  }
  // What scouts find is a drift, no chance: it is told to the others, who need not reckon with it.
  if (!estimate_.is_empty() && !(is_scouting() && is_far(job.rank_.first, job.records_)))
    plan_.learn(duration / std::max(estimate_.expected(job.records_), 1.0));
  estimate_.learn({job.records_, duration, job.rank_.first, job.foretold_});
  pass(job);
}

/// The server's two times may be rounded to seconds, or belong to another clock.
bool PollSchedule::tells_duration(const Job& job, double total, std::optional<Milliseconds> reported) {
  const double upper = std::max(total, 1.0);
  const double lower = std::clamp(job.seen_, 0.0, upper);
  const double said = reported ? count(*reported) : -1;
  return said >= 0 && said >= lower - 1000 && said <= upper + 1000;
}

/// What the job took, by its own word or by when it was asked.
double PollSchedule::duration_of(const Job& job, double total, std::optional<Milliseconds> reported) {
  const double upper = std::max(total, 1.0);
  const double lower = std::clamp(job.seen_, 0.0, upper);
  if (tells_duration(job, total, reported)) {
    unseen_ = 0;
    return std::clamp(count(*reported), lower, upper);
  }
  if (lower > 0 || estimate_.is_empty()) {
    unseen_ = 0;
    return (lower + upper) / 2;
  }
  // Finished before anybody asked: how long before is not known. What is expected goes down, a little where
  // it was asked late, else faster each time, until a poll finds a job processing again.
  const double expected = estimate_.expected(job.records_);
  const double down = 0.05 * std::pow(2.0, upper > expected * 1.06 ? 0 : std::min(unseen_, 8U));
  ++unseen_;
  return std::min(upper, expected) * (1 - std::min(0.5, down));
}

/// A job has ended: it and all accepted before it are behind.
void PollSchedule::pass(const Job& job) {
  ahead_.erase(job.rank_);
  if (newest_ && job.rank_.first < *newest_)
    return;
  newest_ = job.rank_.first;
  farthest_ = 0;
  farthest_job_.reset();
  while (!ahead_.empty() && ahead_.begin()->first < *newest_)
    ahead_.erase(ahead_.begin());
  if (is_scouting() && is_far(ahead_.begin()->first, job.records_))
    has_new_scouts_ = true;
}

}  // namespace usherd
