#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace usherd {

/// Counts durations below fixed bounds, as Prometheus histograms do. The bounds, in seconds and growing, must
/// outlive it. Pure.
class DurationHistogram {
 public:
  static constexpr std::size_t kMostBounds = 16;

  explicit DurationHistogram(std::span<const double> bounds)
      : bounds_(bounds.first(std::min(bounds.size(), kMostBounds))) {}

  void add(std::chrono::nanoseconds duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    std::size_t place = 0;
    while (place < bounds_.size() && seconds > bounds_[place])
      ++place;
    ++counts_[place];
    sum_ += seconds;
  }

  [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
  /// Durations up to bounds()[place] and above the bound before; place bounds().size() has the rest.
  [[nodiscard]] std::uint64_t count(std::size_t place) const { return counts_[place]; }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::array<std::uint64_t, kMostBounds + 1> counts_{};
  double sum_ = 0;
};

inline constexpr std::array<double, 12> kRequestBounds{0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                       1,    2.5,   5,    10,  30,   60};
inline constexpr std::array<double, 12> kJobBounds{1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400};

}  // namespace usherd
