#pragma once

#include "usherd/adapters/https_transport.hpp"

#include <cstddef>

namespace usherd {

/// When the time for an answer begins anew: with each kAnswerPiece that came, kMostAnswerTimes times in all.
/// A page of errors may be large and a line slow; what only drips has no more time than a small answer. Pure.
class AnswerTime {
 public:
  /// Whether it does now that `bytes` more came.
  [[nodiscard]] bool begins_anew(std::size_t bytes) {
    received_ += bytes;
    if (received_ < times_ * kAnswerPiece || times_ == kMostAnswerTimes)
      return false;
    ++times_;
    return true;
  }

 private:
  std::size_t received_ = 0;
  unsigned times_ = 1;
};

}  // namespace usherd
