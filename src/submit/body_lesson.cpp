#include "usherd/submit/body_lesson.hpp"

#include <algorithm>

namespace usherd {
namespace {

/// What was frozen before the lesson may be larger than it: the least counts.
std::uint64_t least(std::optional<std::uint64_t> known, std::uint64_t half) {
  return std::min(known.value_or(half), half);
}

}  // namespace

void BodyLesson::refused(std::uint64_t half) {
  refused_ = least(refused_, half);
}

void BodyLesson::cut(std::uint64_t half, BootTime now) {
  const bool is_new = !cut_ || now >= forgotten_at_;
  if (is_new)
    term_ = term_ == Milliseconds{0} ? kFirstTerm : 2 * term_;
  cut_ = is_new ? half : least(cut_, half);
  forgotten_at_ = now + term_;
}

std::optional<std::uint64_t> BodyLesson::most_bytes(BootTime now) const {
  if (!cut_ || now >= forgotten_at_)
    return refused_;
  return least(refused_, *cut_);
}

}  // namespace usherd
