#pragma once

#include "usherd/core/result.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace usherd {

/// Space kept back on the file systems of spool and state, so that what is in flight can be written down when
/// somebody else fills them: a file `.usherd-reserve` in each, given away at the first write that finds no
/// room, and made again once there is some. Where two directories share a file system one is enough. Safe to
/// use from two threads; the files stay when it goes.
class SpaceReserve {
 public:
  static constexpr std::uint64_t kMostBytes = std::uint64_t{32} << 20;
  static constexpr std::uint64_t kLeastBytes = std::uint64_t{256} << 10;

  explicit SpaceReserve(std::vector<std::string> directories) : directories_(std::move(directories)) {}

  /// Makes what is missing of it: 1/64 of a file system, within the bounds above. Errc::no_space while that
  /// does not fit. Blocks; for a worker.
  [[nodiscard]] Result<void> hold();
  /// Gives it away. False when there was nothing to give.
  bool give();
  /// It was given away and not made again since.
  [[nodiscard]] bool is_spent() const { return spent_; }

 private:
  std::vector<std::string> directories_;
  std::atomic<bool> spent_ = false;
};

}  // namespace usherd
