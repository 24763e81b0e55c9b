#include "usherd/batch/open_batch.hpp"

namespace usherd {

void OpenBatch::renew(UserOrder::Holder holder) {
  holder_ = holder;
  records_.clear();
  merge_candidates_.clear();
  bytes_ = 0;
  flags_ = 0;
}

bool OpenBatch::fits(std::uint32_t length, const BatchLimits& limits) const {
  return records_.empty() || (records_.size() < limits.records && body_bytes() + length + 1 <= limits.bytes);
}

void OpenBatch::begin(std::size_t most, BootTime now) {
  first_ = now;
  // Memory that is not touched costs nothing; growing by copies does.
  records_.reserve(most);
}

void OpenBatch::add(const QueuedRecord& record) {
  records_.push_back(record);
  flags_ |= record.record.flags;
  bytes_ += record.record.length + 1ULL;
}

}  // namespace usherd
