#include "usherd/validate/block_pool.hpp"

#include <mutex>
#include <vector>

namespace usherd {

struct BlockPool::Stock {
  std::mutex mutex;
  std::size_t most = 0;
  std::size_t in_use = 0;
  std::vector<std::unique_ptr<char[]>> spare;

  void give_back(char* bytes) {
    std::unique_ptr<char[]> block(bytes);
    const std::lock_guard lock(mutex);
    --in_use;
    if (in_use + spare.size() < most)
      spare.push_back(std::move(block));
  }
};

BlockPool::BlockPool(std::size_t most, std::size_t bytes) : bytes_(bytes), stock_(std::make_shared<Stock>()) {
  set_most(most);
}

BlockPool::Block BlockPool::take() {
  std::unique_ptr<char[]> block;
  {
    const std::lock_guard lock(stock_->mutex);
    if (stock_->in_use >= stock_->most)
      return nullptr;
    ++stock_->in_use;
    if (!stock_->spare.empty()) {
      block = std::move(stock_->spare.back());
      stock_->spare.pop_back();
    }
  }
  if (block == nullptr)
    block = std::make_unique_for_overwrite<char[]>(bytes_);
  return {block.release(), [stock = stock_](char* bytes) { stock->give_back(bytes); }};
}

void BlockPool::set_most(std::size_t most) {
  const std::lock_guard lock(stock_->mutex);
  stock_->most = most;
  while (!stock_->spare.empty() && stock_->in_use + stock_->spare.size() > most)
    stock_->spare.pop_back();
  // Giving one back must not fail.
  stock_->spare.reserve(most);
}

}  // namespace usherd
