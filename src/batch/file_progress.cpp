#include "usherd/batch/file_progress.hpp"

#include <algorithm>

namespace usherd {

void FileProgress::block_read(const ReadMark& after, std::uint64_t accepted) {
  read_ = after;
  pending_ += accepted;
  blocks_.push_back({after, accepted});
  advance();
}

std::vector<FileProgress::Block>::iterator FileProgress::block_of(std::uint64_t offset) {
  const auto first = blocks_.begin() + static_cast<std::ptrdiff_t>(first_);
  return std::upper_bound(first, blocks_.end(), offset,
                          [](std::uint64_t at, const Block& b) { return at < b.after.offset; });
}

void FileProgress::freezes_again(std::uint64_t offset) {
  const auto block = block_of(offset);
  if (offset >= mark_.offset && block != blocks_.end())
    ++block->waiting;
}

void FileProgress::frozen(std::uint64_t offset, std::span<const std::uint32_t> lengths) {
  auto block = block_of(offset);
  for (const auto length : lengths) {
    while (block != blocks_.end() && offset >= block->after.offset)
      ++block;
    if (block == blocks_.end())
      break;
    if (offset >= mark_.offset && block->waiting > 0)
      --block->waiting;
    offset += length + 1ULL;
  }
  if (first_ < blocks_.size() && blocks_[first_].waiting == 0)
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
