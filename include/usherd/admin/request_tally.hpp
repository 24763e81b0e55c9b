#pragma once

#include "usherd/admin/duration_histogram.hpp"
#include "usherd/core/clock.hpp"
#include "usherd/submit/api_client.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace usherd {

/// Requests by call and answer, for metrics. Codes come from a fixed list, whatever a server answers. Pure.
class RequestTally {
 public:
  static constexpr std::size_t kCalls = 5;
  static constexpr std::array<std::string_view, 19> kCodes{"none", "200", "202", "400", "401",  "403", "404",
                                                           "408",  "409", "413", "422", "429",  "500", "502",
                                                           "503",  "504", "3xx", "5xx", "other"};

  RequestTally() : durations_{histogram(), histogram(), histogram(), histogram(), histogram()} {}

  /// `status` 0: no answer.
  void add(Call call, unsigned status, BootClock::duration duration);
  [[nodiscard]] std::uint64_t count(Call call, std::size_t code) const {
    return counts_[static_cast<std::size_t>(call)][code];
  }
  [[nodiscard]] const DurationHistogram& durations(Call call) const {
    return durations_[static_cast<std::size_t>(call)];
  }

 private:
  static DurationHistogram histogram() { return DurationHistogram(kRequestBounds); }
  std::array<std::array<std::uint64_t, kCodes.size()>, kCalls> counts_{};
  std::array<DurationHistogram, kCalls> durations_;
};

}  // namespace usherd
