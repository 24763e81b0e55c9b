#include "usherd/submit/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace usherd {

void TokenBucket::configure(double rate, double burst) {
  rate_ = rate;
  burst_ = burst;
  tokens_ = std::min(tokens_, burst_);
}

void TokenBucket::refill(BootTime now) {
  if (started_ && now > filled_) {
    const std::chrono::duration<double> passed = now - filled_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * rate_);
  }
  if (!started_ || now > filled_)
    filled_ = now;
  started_ = true;
}

BootTime TokenBucket::ready_at(BootTime now) {
  refill(now);
  if (tokens_ >= 1)
    return now;
  const double seconds = (1 - tokens_) / rate_;
  // Rounded up, so that at the time given the token is there.
  return now + BootClock::duration{static_cast<std::int64_t>(std::ceil(seconds * 1e9)) + 1};
}

void TokenBucket::take(BootTime now) {
  refill(now);
  tokens_ = std::max(0.0, tokens_ - 1);
}

}  // namespace usherd
