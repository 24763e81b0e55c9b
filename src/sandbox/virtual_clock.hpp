#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"

#include <chrono>

namespace usherd::sandbox {

/// The server's time: calendar time at the start plus what has passed since and what was added by hand. It
/// never runs backwards; a frozen one moves by hand only.
class VirtualClock {
 public:
  explicit VirtualClock(bool frozen)
      : frozen_(frozen),
        wall_(std::chrono::floor<Milliseconds>(std::chrono::system_clock::now())),
        steady_(std::chrono::steady_clock::now()) {}

  [[nodiscard]] WallTime now() const {
    const auto passed = frozen_
                            ? Milliseconds(0)
                            : std::chrono::floor<Milliseconds>(std::chrono::steady_clock::now() - steady_);
    return wall_ + passed + offset_;
  }
  void advance(Milliseconds by) { offset_ += by; }

 private:
  bool frozen_;
  WallTime wall_;
  std::chrono::steady_clock::time_point steady_;
  Milliseconds offset_{0};
};

}  // namespace usherd::sandbox
