#include "src/sandbox/rate_limiter.hpp"

#include <algorithm>

namespace usherd::sandbox {

bool RateLimiter::allow(WallTime now, double rate, std::uint64_t burst) {
  if (rate <= 0)
    return true;
  const double most = std::max(1.0, static_cast<double>(burst));
  if (!started_) {
    started_ = true;
    tokens_ = most;
    filled_ = now;
  }
  const std::chrono::duration<double> passed = now - filled_;
  tokens_ = std::min(most, tokens_ + std::max(0.0, passed.count()) * rate);
  filled_ = now;
  if (tokens_ < 1)
    return false;
  tokens_ -= 1;
  return true;
}

}  // namespace usherd::sandbox
