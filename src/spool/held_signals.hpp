#pragma once

#include <csignal>

namespace usherd {

/// Holds back the signals that ask this thread to end (SIGINT, SIGTERM, SIGHUP) while it lives, but those
/// that the process ignores. The destructor lets one that came take its course, which ends the process as it
/// would have at once. For commands of one thread.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  /// Waits until `descriptor` can be read without blocking. False: a signal came first, or is waiting
  /// already.
  [[nodiscard]] bool readable(int descriptor) const;

 private:
  sigset_t before_{};
  int came_ = -1;  ///< signalfd; nothing is ever read from it
};

}  // namespace usherd
