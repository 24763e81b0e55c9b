#pragma once

#include <cstdint>
#include <limits>

namespace usherd::flow {

/// Counts what a daemon does to the world outside its memory: writes, syncs, renames, removes, commits of the
/// ledger, requests sent, answers read. At a chosen one the machine stops: that effect and all later ones do
/// not happen.
class Effects {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  /// The next effect: false when the machine has stopped, and nothing may happen.
  [[nodiscard]] bool begin() {
    if (stopped_)
      return false;
    stopped_ = ++count_ >= stop_at_;
    return !stopped_;
  }
  /// Stops at the `effect`-th from now on, the first being 1.
  void stop_after(std::uint64_t effect) { stop_at_ = effect == kNever ? kNever : count_ + effect; }
  void stop() { stopped_ = true; }
  /// The machine runs again, with no stop ahead.
  void restart() {
    stopped_ = false;
    stop_at_ = kNever;
  }
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::uint64_t count_ = 0;
  std::uint64_t stop_at_ = kNever;
  bool stopped_ = false;
};

}  // namespace usherd::flow
