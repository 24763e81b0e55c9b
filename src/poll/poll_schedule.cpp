#include "usherd/poll/poll_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace usherd {
namespace {

constexpr double kFirstGuess = 250;
constexpr double kGuessGrowth = 1.5;
constexpr double kLeastWait = 20;
constexpr double kGuessCap = 30'000;
constexpr double kMostWait = 300'000;
/// What the past keeps of its weight at each new job: the last seven or so count.
constexpr double kKeep = 0.85;
/// A single job moves the line as if it had been at most so many times off.
constexpr double kMostOff = 3;

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

void PollSchedule::Line::add(double of_records, double of_duration, double keep) {
  weight = weight * keep + 1;
  records = records * keep + of_records;
  duration = duration * keep + of_duration;
  records_squared = records_squared * keep + of_records * of_records;
  product = product * keep + of_records * of_duration;
}

/// Whether jobs of different sizes have been seen, so that a part per record can be told from the fixed one.
bool PollSchedule::Line::has_slope() const {
  if (weight == 0)
    return false;
  const double mean = records / weight;
  return records_squared / weight - mean * mean > 1e-4 * mean * mean;
}

double PollSchedule::Line::at(double of_records) const {
  const double mean_records = records / weight;
  const double mean_duration = duration / weight;
  if (!has_slope())
    return mean_duration;
  const double variance = records_squared / weight - mean_records * mean_records;
  const double covariance = product / weight - mean_records * mean_duration;
  const double slope = std::clamp(covariance / variance, 0.0, mean_duration / std::max(mean_records, 1.0));
  return mean_duration + slope * (of_records - mean_records);
}

std::optional<Milliseconds> PollSchedule::expected(std::uint64_t records) const {
  if (line_.weight == 0)
    return std::nullopt;
  return Milliseconds{std::llround(line_.at(static_cast<double>(records)))};
}

/// When to ask first: just past the expected end when that is known well, the earlier the worse it is known,
/// since asking too early costs a request and asking too late holds a slot.
double PollSchedule::aim(double records) const {
  const double expected = line_.at(records);
  double doubt = 1.2 * std::max(0.0, deviation_ - 0.03);
  if (!line_.has_slope()) {
    // Nothing tells yet how a much smaller job would do.
    const double size = records * line_.weight / std::max(line_.records, 1.0);
    doubt = std::max(doubt, 1 - std::clamp(size * 1.1, 0.1, 1.0));
  }
  return expected * std::clamp(1.02 - doubt, 0.1, 1.02);
}

Milliseconds PollSchedule::spread(double wait) {
  return Milliseconds{std::llround(std::max(kLeastWait, wait * (0.99 + 0.03 * random_.unit())))};
}

Milliseconds PollSchedule::first_wait(std::uint64_t records) {
  if (line_.weight == 0)
    return spread(kFirstGuess);
  return spread(std::min(aim(static_cast<double>(records)), count(kLongestSilence)));
}

std::optional<Milliseconds> PollSchedule::sooner(std::uint64_t records, Milliseconds set) {
  // What varies by chance comes back by itself: only a drift is worth asking anew.
  const double least = std::clamp(0.9 - 1.5 * deviation_, 0.3, 0.9);
  const double now = std::min(aim(static_cast<double>(records)), count(kLongestSilence));
  if (line_.weight == 0 || now >= count(set) * least)
    return std::nullopt;
  return spread(now);
}

Milliseconds PollSchedule::next_wait(std::uint64_t records, Milliseconds elapsed, unsigned polls) {
  const double gone = count(elapsed);
  const double times = std::max(1U, std::min(polls, 64U));
  if (line_.weight == 0)
    return spread(std::min(kFirstGuess * std::pow(kGuessGrowth, times), longest_wait(gone)));
  const double left = std::min(aim(static_cast<double>(records)) - gone, count(kLongestSilence));
  const double fraction = std::clamp(0.05 + 0.4 * deviation_, 0.05, 0.3) * std::pow(1.3, times - 1);
  const double step = std::min(gone * std::min(fraction, 0.5), longest_wait(gone));
  return spread(std::max(left, step));
}

void PollSchedule::learn(std::uint64_t records, Milliseconds unseen, Milliseconds total,
                         std::optional<Milliseconds> reported) {
  const double upper = std::max(count(total), 1.0);
  const double lower = std::clamp(count(total - unseen), 0.0, upper);
  const auto size = static_cast<double>(records);
  const double expected = line_.weight == 0 ? 0 : line_.at(size);
  double duration = (lower + upper) / 2;
  // The server's two times may be rounded to seconds, or belong to another clock.
  const double said = reported ? count(*reported) : -1;
  if (said >= 0 && said >= lower - 1000 && said <= upper + 1000) {
    duration = std::clamp(said, lower, upper);
    unseen_ = 0;
  } else if (lower == 0 && line_.weight > 0) {
    // Finished before anybody asked: how long before is not known. Told nothing when it was asked late; else
    // the line goes down, faster each time, until a poll finds a job processing again.
    if (upper > expected * 1.06)
      return;
    duration = upper * (1 - std::min(0.5, 0.05 * std::pow(2.0, std::min(unseen_, 8U))));
    ++unseen_;
  } else {
    unseen_ = 0;
  }
  if (line_.weight > 0) {
    const double off = std::abs(duration - expected) / std::max(expected, 1.0);
    deviation_ = kKeep * deviation_ + (1 - kKeep) * std::min(off, kMostOff);
    duration = std::clamp(duration, expected / kMostOff, std::max(expected, 1.0) * kMostOff);
  }
  line_.add(size, duration, kKeep);
}

}  // namespace usherd
