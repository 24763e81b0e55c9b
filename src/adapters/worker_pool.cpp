#include "usherd/adapters/worker_pool.hpp"

namespace usherd {

WorkerPool::WorkerPool(std::size_t threads) : pool_(threads), workers_(pool_.get_executor()) {}

WorkerPool::~WorkerPool() {
  pool_.join();
}

Workers WorkerPool::workers() {
  return workers_;
}

}  // namespace usherd
