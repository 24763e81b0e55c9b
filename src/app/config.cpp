#include "usherd/app/config.hpp"

#include <algorithm>

namespace usherd {

std::uint64_t auto_max_records(const LimitsConfig& limits) {
  const auto batches = std::max<std::uint64_t>(1, limits.in_progress_batches);
  return std::clamp<std::uint64_t>(limits.in_progress_operations / batches, 1, kMostBatchRecords);
}

std::uint64_t effective_max_records(const Config& config) {
  return config.batch.max_records == 0 ? auto_max_records(config.limits) : config.batch.max_records;
}

}  // namespace usherd
