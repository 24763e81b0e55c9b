#pragma once

#include "usherd/core/units.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/spool/settle_watch.hpp"

#include <map>
#include <string>
#include <vector>

namespace usherd {

/// Tells which hidden files of `submit` nobody writes any more, as it was killed: their inode changed more
/// than a day ago, and an hour of this run has seen them as they are, for a clock may jump by days. Remembers
/// what it was shown last.
class StaleSubmits {
 public:
  static constexpr Milliseconds kAge{24LL * 3600 * 1000};
  static constexpr Milliseconds kSeen{3600LL * 1000};

  /// `present` is all that is there now. Their names, once each time while they are there.
  [[nodiscard]] std::vector<std::string> look(const std::vector<SeenFile>& present, Instant now);

 private:
  struct Seen {
    std::int64_t changed_ns = 0;
    BootTime since{};
  };
  std::map<std::string, Seen> seen_;
};

}  // namespace usherd
