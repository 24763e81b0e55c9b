#pragma once

#include "usherd/core/clock.hpp"

#include <cstdint>

namespace usherd::sandbox {

/// The general limit on requests: a bucket of `burst` tokens refilled at `rate` a second. A rate of 0 allows
/// all.
class RateLimiter {
 public:
  /// Takes a token. The limits may differ from call to call; a bucket never holds more than the burst.
  [[nodiscard]] bool allow(WallTime now, double rate, std::uint64_t burst);
  void reset() { started_ = false; }

 private:
  bool started_ = false;
  double tokens_ = 0;
  WallTime filled_{};
};

}  // namespace usherd::sandbox
