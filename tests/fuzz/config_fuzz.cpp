#include "usherd/app/config_file.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <string>

using namespace usherd;
using usherd::fuzz::require;

namespace {

constexpr std::size_t kMostFaults = 100;

bool is_clean_path(const std::string& path) {
  return path.starts_with('/') && (path.size() == 1 || path.back() != '/');
}

/// What every part of the daemon takes for granted about a configuration that was let through.
void check_bounds(const Config& config) {
  require(config.api.sessions >= 1 && config.api.sessions <= 64, "sessions out of bounds");
  require(
      config.limits.in_progress_batches >= 1 && config.limits.in_progress_batches <= kMostInProgressBatches,
      "batches in progress out of bounds");
  require(config.limits.in_progress_operations >= 1 &&
              config.limits.in_progress_operations <= kMostInProgressOperations,
          "operations in progress out of bounds");
  require(effective_max_records(config) >= 1 && effective_max_records(config) <= kMostBatchRecords,
          "batch size out of bounds");
  require(effective_max_records(config) <= config.limits.in_progress_operations, "a batch that never fits");
  require(config.limits.requests_per_second > 0 && config.limits.burst >= 1, "no request would ever go out");
  require(is_clean_path(config.spool.directory) && is_clean_path(config.state.directory), "an unclean path");
  require(config.spool.directory != config.state.directory, "state and spool in one place");
  require(config.api.connect_timeout.count() > 0 && config.api.request_timeout.count() > 0,
          "a request without time");
}

/// Faults go to terminals and logs, a line each.
void check_faults(const ConfigOutcome& outcome) {
  require(outcome.faults.size() <= kMostFaults + 1, "more faults than anybody reads");
  const auto text = format_faults(outcome);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  require(lines == outcome.faults.size(), "a fault is not one line");
  require(
      std::none_of(text.begin(), text.end(),
                   [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F; }),
      "a control character in a message");
  require(text.size() < std::size_t{1} << 20, "an endless message");
  // What stands behind the last that is told says how many more there are, and has no line.
  const auto told = std::min(outcome.faults.size(), kMostFaults);
  require(std::is_sorted(outcome.faults.begin(), outcome.faults.begin() + static_cast<std::ptrdiff_t>(told),
                         [](const auto& a, const auto& b) { return a.line < b.line; }),
          "faults out of order");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto outcome = parse_config(text, "usherd.yaml");
  check_faults(outcome);
  if (outcome.good())
    check_bounds(outcome.config);
  const auto again = parse_config(text, "usherd.yaml");
  require(again.faults == outcome.faults && again.config == outcome.config, "read differently a second time");
  return 0;
}
