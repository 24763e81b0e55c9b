#include "usherd/poll/job_patience.hpp"

#include <algorithm>

namespace usherd {
namespace {

/// A server that comes back after an outage may stumble for some time before it tells how its jobs stand.
constexpr Milliseconds kStumbles{600'000};

}  // namespace

bool JobPatience::ends(JobWord word, Milliseconds timeout, BootTime now) {
  if (word == JobWord::none)
    return false;
  if (word == JobWord::goes_on)
    unclear_since_.reset();
  else if (!unclear_since_)
    unclear_since_ = now;
  if (timeout <= Milliseconds{0} || now - accepted_ < timeout)
    return false;
  return !unclear_since_ || now - *unclear_since_ >= std::min(timeout, kStumbles);
}

}  // namespace usherd
