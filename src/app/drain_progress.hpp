#pragma once

#include "src/app/status_collector.hpp"
#include "usherd/admin/status_report.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>

namespace usherd {

/// One line that tells how far a drain has come: share of the bytes, records, rate, time left, or why it
/// stands still. Pure.
class ProgressLine {
 public:
  /// At most `columns` wide, no newline.
  [[nodiscard]] std::string draw(const StatusReport& report, unsigned columns);

 private:
  std::uint64_t most_bytes_ = 0;  ///< the largest backlog seen: the whole
};

/// Draws it on stderr, a terminal, four times a second until cancelled; wipes it out then. References must
/// outlive it.
[[nodiscard]] boost::asio::awaitable<void> show_progress(StatusCollector& collector, Timers& timers);

}  // namespace usherd
