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

std::string_view advice_for(ParkReason reason) {
  switch (reason) {
    case ParkReason::credentials:
      return "the API refuses the key; put a good one into api.key_file, it is read again by itself";
    case ParkReason::endpoint:
      return "the API's address answers 404 or a redirect; correct api.base_url and reload";
    case ParkReason::organisation:
      return "the key belongs to another organisation than the unfinished work; put the old key back, or "
             "resume if that is meant";
    case ParkReason::refused:
      return "the API refused 20 records in a row with one code; look at rejected/, then 'usherd resume'";
    case ParkReason::disk:
      return "the disk is full or cannot be written; free some space, it goes on by itself";
    case ParkReason::paused:
      return "an operator paused it; 'usherd resume' goes on";
  }
  return "";
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
  const auto& first = report.parked.front();
  return fmt::format("parked ({}): {}", to_string(first.reason), advice_for(first.reason));
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
