#pragma once

#include "usherd/core/clock.hpp"

namespace usherd {

/// Lets `rate` requests a second pass on average and up to `burst` at once. Pure; time is an argument.
class TokenBucket {
 public:
  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}
  /// New limits; what was saved up stays, cut to the new burst.
  void configure(double rate, double burst);
  /// When a token will be there: `now` or earlier if one is.
  [[nodiscard]] BootTime ready_at(BootTime now);
  /// Takes one; only when ready_at(now) <= now.
  void take(BootTime now);

 private:
  void refill(BootTime now);
  double rate_;
  double burst_;
  double tokens_;
  BootTime filled_{};
  bool started_ = false;
};

}  // namespace usherd
