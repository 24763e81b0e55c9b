#include "usherd/spool/stale_submits.hpp"

#include <chrono>
#include <utility>

namespace usherd {

std::vector<std::string> StaleSubmits::look(const std::vector<SeenFile>& present, Instant now) {
  std::map<std::string, Seen> seen;
  std::vector<std::string> stale;
  for (const auto& file : present) {
    const auto changed = file.stat.changed_ns;
    const auto before = seen_.find(file.name);
    const bool same = before != seen_.end() && before->second.changed_ns == changed;
    const auto since = same ? before->second.since : now.boot;
    seen.emplace(file.name, Seen{changed, since});
    const auto age = now.wall.time_since_epoch() - std::chrono::nanoseconds(changed);
    if (age >= kAge && now.boot - since >= kSeen)
      stale.push_back(file.name);
  }
  seen_ = std::move(seen);
  return stale;
}

}  // namespace usherd
