#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"
#include "usherd/submit/job_word.hpp"

#include <optional>

namespace usherd {

/// When a job is given up for its age, which is never before it was asked about: once limits.job_timeout has
/// passed, at the next answer that it goes on; after unclear ones only when these went on for ten minutes, or
/// for the timeout where that is shorter. Lives as long as one thing is asked for. Pure.
class JobPatience {
 public:
  explicit JobPatience(BootTime accepted) : accepted_(accepted) {}
  /// Notes what was heard at `now` and says whether the job is given up; a timeout of 0 never does.
  [[nodiscard]] bool ends(JobWord word, Milliseconds timeout, BootTime now);

 private:
  BootTime accepted_;
  std::optional<BootTime> unclear_since_;
};

}  // namespace usherd
