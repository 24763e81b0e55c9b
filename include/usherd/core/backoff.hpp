#pragma once

#include "usherd/core/random.hpp"
#include "usherd/core/units.hpp"

namespace usherd {

/// Exponential backoff with full jitter: the n-th wait is drawn evenly from 0 to min(most, first * 2^n).
class Backoff {
 public:
  Backoff(Milliseconds first, Milliseconds most) : first_(first), most_(most) {}
  /// The wait before the next try; each call doubles the ceiling.
  [[nodiscard]] Milliseconds next(Random& random);
  /// After a success the next failure starts small again.
  void reset() { tries_ = 0; }
  [[nodiscard]] unsigned tries() const { return tries_; }

 private:
  Milliseconds first_;
  Milliseconds most_;
  unsigned tries_ = 0;
};

}  // namespace usherd
