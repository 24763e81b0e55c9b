#pragma once

#include <cstdint>

namespace usherd {

/// The part of our limits that neighbours on the same organisation leave us, 0 to 1: a refusal takes it below
/// what the API held when it refused, accepted POSTs give it back. Pure.
class BudgetShare {
 public:
  [[nodiscard]] double part() const { return part_; }
  [[nodiscard]] bool is_whole() const { return part_ >= 1; }

  /// The API answered 429 and held the part `held` of our limits, the refused batch counted in, of the
  /// `counted` that we count in progress: more, as some wait for their turn. Further refusals at the same
  /// level change nothing.
  void refused(double held, double counted);
  /// The API took a batch; `batch` is the part that one is of our limits.
  void accepted(double batch);

 private:
  double part_ = 1;
  std::uint32_t accepted_ = 0;  ///< POSTs since the last refusal
};

}  // namespace usherd
