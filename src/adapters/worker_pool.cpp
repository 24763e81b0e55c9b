#include "usherd/adapters/worker_pool.hpp"

namespace usherd {

WorkerPool::WorkerPool(std::size_t threads) : pool_(threads) {}

WorkerPool::~WorkerPool() {
  pool_.join();
}

Workers WorkerPool::workers() {
  return Workers(pool_.get_executor());
}

}  // namespace usherd
