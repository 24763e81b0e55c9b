#pragma once

#include "usherd/admin/status_report.hpp"
#include "usherd/admin/tally.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace usherd {

/// What /proc says of this process.
struct ProcessFigures {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t most_descriptors = 0;
  double started = 0;  ///< seconds since 1970
};

/// Reads /proc/self; what cannot be read stays 0.
[[nodiscard]] ProcessFigures read_process_figures();

/// All metrics of the contract in Prometheus' text format 0.0.4. Names are stable, label values come from
/// fixed lists, so that their number never grows. `retry_after` is the time that 429s made us wait so far.
[[nodiscard]] std::string metrics_text(const StatusReport& report, const Tally& tally,
                                       Milliseconds retry_after, const ProcessFigures& process);

}  // namespace usherd
