#include "usherd/poll/duration_estimate.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>

namespace usherd {
namespace {

/// What the past keeps of its weight in the line at each new job: the last fifty or so count.
constexpr double kKeepLine = 0.98;
/// What a new job counts in the mean error and the mean difference of neighbours.
constexpr double kTakeError = 0.03;
/// What a new job counts in the level at least, so that it never stands still.
constexpr double kLeastGain = 0.01;
constexpr std::size_t kMostNeighbours = 64;
/// Jobs accepted within this part of their time are neighbours.
constexpr double kNear = 0.25;
/// Neighbours that differ by less than this part of the error are alike.
constexpr double kAlike = 0.5;
/// Errors up to this are not worth a poll.
constexpr double kLeastError = 0.03;
/// The part of an error's square beyond what chance explains, and this many times so, that the level is
/// believed to move in one job's time: job times move in one direction for long, so that most of it is known
/// from the jobs before.
constexpr double kMoves = 0.1;
constexpr double kChanceExplains = 3;
/// From means of absolute values to those of squares, for what is spread like a bell.
constexpr double kErrorToDeviation = 1.25;
constexpr double kDifferenceToDeviation = 0.886;
constexpr double kLeastVariance = 1e-6;

/// A single job moves the level as if it had been at most so many times off.
const double kMostOff = std::log(3.0);
/// It rises no more than this by the word of one job, which may have been held up.
const double kMostRise = std::log(1.25);
/// Jobs that go on raise it no further than this: that they hang is no sign for others.
const double kMostRaised = std::log(1.5);

/// Moves the mean of `count` values, of which `value` is the last.
void average(double& mean, double value, std::uint64_t count) {
  mean += std::max(kTakeError, 1 / static_cast<double>(count)) * (value - mean);
}

}  // namespace

void DurationEstimate::Line::add(double of_records, double of_duration) {
  weight = weight * kKeepLine + 1;
  records = records * kKeepLine + of_records;
  duration = duration * kKeepLine + of_duration;
  records_squared = records_squared * kKeepLine + of_records * of_records;
  product = product * kKeepLine + of_records * of_duration;
}

bool DurationEstimate::Line::has_slope() const {
  if (weight == 0)
    return false;
  const double mean = records / weight;
  return records_squared / weight - mean * mean > 1e-4 * mean * mean;
}

double DurationEstimate::Line::at(double of_records) const {
  const double mean_records = records / weight;
  const double mean_duration = duration / weight;
  if (!has_slope())
    return mean_duration;
  const double variance = records_squared / weight - mean_records * mean_records;
  const double covariance = product / weight - mean_records * mean_duration;
  const double slope = std::clamp(covariance / variance, 0.0, mean_duration / std::max(mean_records, 1.0));
  return mean_duration + slope * (of_records - mean_records);
}

double DurationEstimate::mean_records() const {
  return is_empty() ? 0 : line_.records / line_.weight;
}

bool DurationEstimate::are_alike() const {
  return chance_ < kAlike * error_;
}

bool DurationEstimate::drifts() const {
  return error_ > kLeastError && chance_ < error_;
}

double DurationEstimate::expected(double records) const {
  return is_empty() ? 0 : line_.at(records) * std::exp(level_);
}

double DurationEstimate::expected_at_least(double records) const {
  return expected(records) * (are_alike() ? std::exp(raised_) : 1);
}

void DurationEstimate::learn(const Ended& job) {
  const double duration = std::max(job.duration, 1.0);
  ++learned_;
  if (is_empty()) {
    line_.add(job.records, duration);
    neighbours_.emplace(job.accepted, 0);
    return;
  }
  const double shape = std::max(line_.at(job.records), 1.0);
  const double now = level_;
  const double seen = std::clamp(std::log(duration / shape), now - kMostOff, now + kMostOff);
  note_error(job);
  note_chance(job, seen);
  // Two that took long one after the other, or chance as it is known, are believed.
  const double most = std::max({now + kMostRise, before_, now + 2.5 * chance_});
  const double least_gain = std::max(kLeastGain, 1 / static_cast<double>(learned_));
  level_ += std::max(gain(job), least_gain) * (std::min(seen, most) - now);
  before_ = seen;
  if (job.accepted >= neighbours_.rbegin()->first)
    raised_ = 0;
  neighbours_.insert_or_assign(job.accepted, seen);
  if (neighbours_.size() > kMostNeighbours)
    neighbours_.erase(neighbours_.begin());
  line_.add(job.records, shape * std::exp(seen - now));
}

void DurationEstimate::note_error(const Ended& job) {
  if (job.foretold <= 0)
    return;
  const double off = std::abs(std::log(std::max(job.duration, 1.0) / std::max(job.foretold, 1.0)));
  average(error_, std::min(off, kMostOff), learned_);
}

/// Jobs accepted at nearly the same time differ by chance alone, however job times drift.
void DurationEstimate::note_chance(const Ended& job, double seen) {
  const auto gap = [&](auto at) { return std::abs(in_milliseconds(at->first - job.accepted)); };
  auto nearest = neighbours_.lower_bound(job.accepted);
  if (nearest == neighbours_.end() ||
      (nearest != neighbours_.begin() && gap(std::prev(nearest)) < gap(nearest)))
    nearest = std::prev(nearest);
  if (gap(nearest) > kNear * job.duration)
    return;
  average(chance_, std::abs(seen - nearest->second), ++compared_);
}

/// What part of the job's word the level takes: all where it is uncertain and jobs are alike, little where
/// they vary by chance or where the job is so old that newer ones tell more.
double DurationEstimate::gain(const Ended& job) {
  const double chance = kDifferenceToDeviation * chance_;
  const double error = kErrorToDeviation * error_;
  const double of_one = chance * chance + kLeastVariance;
  const double moves = kMoves * std::max(error * error - kChanceExplains * of_one, 0.0);
  const double newer =
      in_milliseconds(job.accepted - neighbours_.rbegin()->first) / std::max(job.duration, 1.0);
  variance_ += moves * std::clamp(newer, 0.0, 2.0);
  const double of_word = of_one + moves * std::clamp(-newer, 0.0, 100.0);
  const double gain = variance_ / (variance_ + of_word);
  variance_ *= 1 - gain;
  return gain;
}

void DurationEstimate::goes_on(double records, double elapsed) {
  if (is_empty())
    return;
  const double least = std::log(std::max(elapsed, 1.0) / std::max(expected(records), 1.0));
  raised_ = std::max(raised_, std::min(least, kMostRaised));
}

}  // namespace usherd
