#include "usherd/poll/poll_plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace usherd {
namespace {

constexpr double kLeastPart = 0.1;
constexpr double kMostPart = 3;
/// What the past keeps of its weight at each job.
constexpr double kKeep = 0.99;
/// Jobs' weight of the belief that one may end anywhere.
constexpr double kDoubt = 0.3;
/// Making a plan takes some microseconds: one serves so many jobs.
constexpr unsigned kMostBears = 8;

/// Fine where the job is expected to end, coarser with the distance.
double width(double part) {
  return std::clamp(0.2 * std::abs(part - 1), 0.005, part < 1.5 ? 0.03 : 0.06);
}

}  // namespace

PollPlan::PollPlan() {
  std::array<double, kMostBins> below{};
  std::size_t count = 0;
  double part = 0.9975;
  while (part > kLeastPart) {
    below[count++] = part;
    part -= width(part);
  }
  edges_[bins_++] = 0;
  while (count > 0)
    edges_[bins_++] = below[--count];
  part = 1.0025;
  while (part < kMostPart) {
    edges_[bins_++] = part;
    part += width(part);
  }
  edges_[bins_] = kMostPart;
}

std::size_t PollPlan::bin(double part) const {
  const auto* const last = edges_.begin() + static_cast<std::ptrdiff_t>(bins_);
  const auto* const above = std::upper_bound(edges_.begin() + 1, last, part);
  return static_cast<std::size_t>(above - edges_.begin()) - 1;
}

void PollPlan::learn(double part) {
  for (auto& weight : weights_)
    weight *= kKeep;
  weights_[bin(part)] += 1;
  ++unplanned_;
}

/// From the last edge back to the first: the least that a job seen going on there still costs on average,
/// times the weight of such jobs, by the edge at which it is asked for next.
void PollPlan::make() {
  std::array<double, kMostBins + 1> cost{};
  std::array<double, kMostBins + 1> weight{};  // of all jobs that ended below
  std::array<double, kMostBins + 1> moment{};  // of the same, times the parts at which they ended
  for (std::size_t i = 0; i < bins_; ++i) {
    const double one = weights_[i] + kDoubt * (edges_[i + 1] - edges_[i]) / kMostPart;
    weight[i + 1] = weight[i] + one;
    moment[i + 1] = moment[i] + one * (edges_[i] + edges_[i + 1]) / 2;
  }
  for (std::size_t i = bins_; i-- > 0;) {
    const double asked = price_ * (weight[bins_] - weight[i] + kDoubt);
    cost[i] = std::numeric_limits<double>::max();
    for (std::size_t j = i + 1; j <= bins_; ++j) {
      const double late = edges_[j] * (weight[j] - weight[i]) - (moment[j] - moment[i]);
      const double all = asked + late + cost[j];
      if (all < cost[i]) {
        cost[i] = all;
        next_[i] = j;
      }
    }
  }
}

double PollPlan::next(double part) {
  if (unplanned_ > bears_) {
    make();
    unplanned_ = 0;
    bears_ = std::min(bears_ + 1, kMostBears);
  }
  if (part <= 0)
    return edges_[next_[0]];
  const auto below = bin(part);
  if (below + 1 >= bins_)
    return 0;
  const bool is_low = part - edges_[below] < edges_[below + 1] - part;
  return edges_[next_[is_low ? below : below + 1]];
}

}  // namespace usherd
