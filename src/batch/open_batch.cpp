#include "usherd/batch/open_batch.hpp"

#include <utility>

namespace usherd {

void OpenBatch::begin(std::size_t most, BootTime now) {
  first_ = now;
  records_.reserve(most);
}

void OpenBatch::keep_next(std::uint32_t file, const BlockBytes& block) {
  last_kept_ = block.bytes.get();
  keeps_ = last_kept_ != nullptr;
  if (keeps_)
    kept_.push_back({file, block});
  else
    kept_.clear();
}

std::vector<OpenBatch::Kept> OpenBatch::take_kept() {
  last_kept_ = nullptr;
  return std::exchange(kept_, {});
}

}  // namespace usherd
