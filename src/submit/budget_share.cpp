#include "usherd/submit/budget_share.hpp"

#include <algorithm>

namespace usherd {
namespace {

/// What a refused POST leaves of what was in progress when it came.
constexpr double kShrink = 0.85;
/// What one refusal leaves at least of what we count in progress: not each is about that, and one that came
/// while the API held little must not stop everything.
constexpr double kLeast = 0.7;
/// What a POST accepted since then gives back, in batches, and how much more each that follows: slow at
/// first, as the neighbours will be as they were, and faster the longer none is refused.
constexpr double kGrow = 0.05;
constexpr double kGrowMore = 0.009;

}  // namespace

void BudgetShare::refused(double held, double counted) {
  // Shrinks from what is in use, never from what might be: a refusal at 30 of 90 says that 30 were too many.
  const double left = std::max(std::min(1.0, held) * kShrink, std::min(1.0, counted) * kLeast);
  if (left >= part_)
    return;
  part_ = left;
  accepted_ = 0;
}

void BudgetShare::accepted(double batch) {
  part_ = std::min(1.0, part_ + batch * (kGrow + kGrowMore * accepted_++));
}

}  // namespace usherd
