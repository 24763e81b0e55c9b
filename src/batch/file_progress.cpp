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
  const auto first = blocks_.begin() + static_cast<std::ptrdiff_t>(first_);
  const auto block = std::upper_bound(first, blocks_.end(), offset,
                                      [](std::uint64_t at, const Block& b) { return at < b.after.offset; });
  if (block == blocks_.end() || block->waiting == 0)
    return;
  if (--block->waiting == 0 && block == first)
    advance();
}

void FileProgress::advance() {
  while (first_ < blocks_.size() && blocks_[first_].waiting == 0)
    mark_ = blocks_[first_++].after;
  if (first_ == blocks_.size()) {
    std::vector<Block>().swap(blocks_);
    first_ = 0;
  } else if (2 * first_ >= blocks_.size()) {
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace usherd
