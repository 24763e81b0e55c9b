#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/ports/timers.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace usherd {

/// A file in incoming/ as it was last seen.
struct SeenFile {
  std::string name;
  FileStat stat;
};

/// The order of acceptance within one look: time of drop, then name.
[[nodiscard]] bool dropped_before(const SeenFile& left, const SeenFile& right);

/// Decides when a file that nobody announced as finished may be taken: once it was unchanged for `settle`.
/// The time before its first look is reckoned from its inode change time on the wall clock, but it is always
/// looked at twice, kSecondLook apart on the boot clock: a clock jump can hasten a file, never make a growing
/// one be taken at sight. Pure; remembers at most `most` files.
class SettleWatch {
 public:
  static constexpr std::size_t kMostWatched = 32768;
  static constexpr Milliseconds kSecondLook{1000};

  explicit SettleWatch(Milliseconds settle, std::size_t most = kMostWatched) : settle_(settle), most_(most) {}

  /// Notes a file as it is now. True when it may be taken; it is forgotten then. A file beyond `most` is not
  /// noted: a later look finds it again.
  [[nodiscard]] bool look(const SeenFile& file, Instant now);
  /// A file that changed under our hands: announcements of it are not believed until it has settled.
  void distrust(const SeenFile& file, BootTime now);
  [[nodiscard]] bool trusts(const std::string& name) const;
  void forget(const std::string& name);
  void forget_all() { watched_.clear(); }

  /// Files whose next look is due, longest dropped first, at most `most`.
  [[nodiscard]] std::vector<std::string> due(BootTime now, std::size_t most);
  /// When there will be one, not later than that; kNever when nothing is watched.
  [[nodiscard]] BootTime next_due() const { return watched_.empty() ? kNever : next_due_; }
  /// When all that are watched now have had their next look; the past when none is.
  [[nodiscard]] BootTime last_due() const;
  [[nodiscard]] std::size_t size() const { return watched_.size(); }
  /// A new settle time. What is watched already waits no longer than that from its first look, or from the
  /// change that was seen last; a longer time holds for what is seen from now on.
  void settle(Milliseconds settle);

 private:
  struct Watched {
    FileStat stat;
    BootTime since{};  ///< when it was first seen as it is
    BootTime due{};
    bool distrusted = false;
  };
  [[nodiscard]] BootTime due_from(const FileStat& stat, Instant now) const;

  Milliseconds settle_;
  std::size_t most_;
  std::unordered_map<std::string, Watched> watched_;
  BootTime next_due_ = kNever;
};

}  // namespace usherd
