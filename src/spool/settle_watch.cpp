#include "usherd/spool/settle_watch.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>

namespace usherd {
namespace {

bool same_state(const FileStat& left, const FileStat& right) {
  return std::tie(left.device, left.inode, left.size, left.modified_ns, left.changed_ns) ==
         std::tie(right.device, right.inode, right.size, right.modified_ns, right.changed_ns);
}

}  // namespace

bool dropped_before(const SeenFile& left, const SeenFile& right) {
  return std::tie(left.stat.changed_ns, left.name) < std::tie(right.stat.changed_ns, right.name);
}

BootTime SettleWatch::due_from(const FileStat& stat, Instant now) const {
  const auto changed = std::chrono::floor<Milliseconds>(std::chrono::nanoseconds(stat.changed_ns));
  const auto age = std::clamp(now.wall.time_since_epoch() - changed, Milliseconds(0), settle_);
  return now.boot + std::max(settle_ - age, std::min(settle_, kSecondLook));
}

bool SettleWatch::look(const SeenFile& file, Instant now) {
  const auto known = watched_.find(file.name);
  if (known == watched_.end()) {
    if (settle_ == Milliseconds(0))
      return true;
    if (watched_.size() >= most_)
      return false;
    Watched watched;
    watched.stat = file.stat;
    watched.since = now.boot;
    watched.due = due_from(file.stat, now);
    next_due_ = watched_.empty() ? watched.due : std::min(next_due_, watched.due);
    watched_.emplace(file.name, watched);
    return false;
  }
  auto& watched = known->second;
  if (same_state(watched.stat, file.stat)) {
    if (now.boot < watched.due)
      return false;
    watched_.erase(known);
    return true;
  }
  watched.stat = file.stat;
  // What changes while it is watched has settle before it, whatever its times say.
  watched.since = now.boot;
  watched.due = now.boot + settle_;
  next_due_ = std::min(next_due_, watched.due);
  return false;
}

void SettleWatch::distrust(const SeenFile& file, BootTime now) {
  if (watched_.size() >= most_ && !watched_.contains(file.name))
    return;
  Watched watched;
  watched.stat = file.stat;
  watched.since = now;
  watched.due = now + settle_;
  watched.distrusted = true;
  next_due_ = watched_.empty() ? watched.due : std::min(next_due_, watched.due);
  watched_.insert_or_assign(file.name, watched);
}

bool SettleWatch::trusts(const std::string& name) const {
  const auto known = watched_.find(name);
  return known == watched_.end() || !known->second.distrusted;
}

void SettleWatch::forget(const std::string& name) {
  watched_.erase(name);
}

void SettleWatch::settle(Milliseconds settle) {
  settle_ = settle;
  next_due_ = kNever;
  for (auto& [name, watched] : watched_) {
    watched.due = std::min(watched.due, watched.since + settle);
    next_due_ = std::min(next_due_, watched.due);
  }
}

BootTime SettleWatch::last_due() const {
  auto last = BootTime::min();
  for (const auto& [name, watched] : watched_)
    last = std::max(last, watched.due);
  return last;
}

std::vector<std::string> SettleWatch::due(BootTime now, std::size_t most) {
  std::vector<SeenFile> found;
  next_due_ = kNever;
  for (const auto& [name, watched] : watched_) {
    if (watched.due <= now)
      found.push_back(SeenFile{name, watched.stat});
    next_due_ = std::min(next_due_, watched.due);
  }
  std::sort(found.begin(), found.end(), dropped_before);
  if (found.size() > most)
    found.resize(most);
  std::vector<std::string> names;
  names.reserve(found.size());
  for (auto& file : found)
    names.push_back(std::move(file.name));
  return names;
}

}  // namespace usherd
