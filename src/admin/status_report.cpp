#include "usherd/admin/status_report.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace usherd {

std::string_view to_string(ServiceState state) {
  constexpr std::array<std::string_view, 6> names{"starting", "idle",   "delivering",
                                                  "waiting",  "parked", "stopping"};
  return names[static_cast<std::size_t>(state)];
}

std::string advice_for(const ParkedReport& parked) {
  return parked.advice.empty() ? std::string(advice_for(parked.reason)) : parked.advice;
}

std::optional<std::string> not_ready(const StatusReport& report) {
  if (!report.ledger_answers)
    return "the ledger does not answer: look at the disk that holds state.directory";
  if (report.state == ServiceState::starting)
    return "starting: taking up what an earlier run left";
  if (report.state == ServiceState::stopping)
    return "stopping";
  if (report.parked.empty())
    return std::nullopt;
  std::string text;
  for (const auto& parked : report.parked) {
    // A code is for everybody; of a disk the detail may name files.
    const bool shows = parked.reason == ParkReason::refused && !parked.detail.empty();
    text += fmt::format("{}parked ({}): {}{}", text.empty() ? "" : "\n", to_string(parked.reason),
                        advice_for(parked), shows ? "; " + parked.detail : "");
  }
  return text;
}

std::optional<Milliseconds> reckon_eta(std::uint64_t backlog_bytes, double record_bytes,
                                       double records_per_second) {
  if (backlog_bytes == 0)
    return Milliseconds{0};
  const double seconds = static_cast<double>(backlog_bytes) / (record_bytes * records_per_second);
  // More than a year is no forecast.
  if (!std::isfinite(seconds) || seconds <= 0 || seconds > 31'536'000.0)
    return std::nullopt;
  return Milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

}  // namespace usherd
