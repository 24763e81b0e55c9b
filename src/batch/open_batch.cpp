#include "usherd/batch/open_batch.hpp"

namespace usherd {

bool OpenBatch::fits(std::uint32_t length, const BatchLimits& limits) const {
  return records_.empty() || (records_.size() < limits.records && body_bytes() + length + 1 <= limits.bytes);
}

void OpenBatch::add(const QueuedRecord& record, BootTime now) {
  if (records_.empty())
    first_ = now;
  records_.push_back(record);
  bytes_ += record.record.length + 1ULL;
}

}  // namespace usherd
