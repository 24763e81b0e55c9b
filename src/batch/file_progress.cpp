#include "usherd/batch/file_progress.hpp"

#include <algorithm>

namespace usherd {

void FileProgress::block_read(const ReadMark& after, std::uint64_t accepted) {
  read_ = after;
  pending_ += accepted;
  blocks_.push_back({after, accepted});
  advance();
}

void FileProgress::frozen(std::uint64_t offset) {
  if (offset < mark_.offset)
    return;
  const auto block = std::upper_bound(blocks_.begin(), blocks_.end(), offset,
                                      [](std::uint64_t at, const Block& b) { return at < b.after.offset; });
  if (block == blocks_.end() || block->waiting == 0)
    return;
  if (--block->waiting == 0 && block == blocks_.begin())
    advance();
}

void FileProgress::advance() {
  while (!blocks_.empty() && blocks_.front().waiting == 0) {
    mark_ = blocks_.front().after;
    blocks_.pop_front();
  }
}

}  // namespace usherd
