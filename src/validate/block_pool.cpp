#include "usherd/validate/block_pool.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace usherd {

struct BlockPool::Stock {
  std::mutex mutex;
  std::size_t most = 0;
  std::size_t in_use = 0;
  std::vector<std::unique_ptr<char[]>> spare;
  std::function<void()> returned;
  bool tells = false;

  void give_back(char* bytes) {
    std::unique_ptr<char[]> block(bytes);
    const std::lock_guard lock(mutex);
    --in_use;
    if (in_use + spare.size() < most)
      spare.push_back(std::move(block));
    if (std::exchange(tells, false) && returned)
      returned();
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

std::size_t BlockPool::room() const {
  const std::lock_guard lock(stock_->mutex);
  return stock_->most - std::min(stock_->most, stock_->in_use);
}

std::size_t BlockPool::in_use() const {
  const std::lock_guard lock(stock_->mutex);
  return stock_->in_use;
}

void BlockPool::on_return(std::function<void()> returned) {
  const std::lock_guard lock(stock_->mutex);
  stock_->returned = std::move(returned);
}

void BlockPool::tell_next() {
  const std::lock_guard lock(stock_->mutex);
  stock_->tells = true;
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
