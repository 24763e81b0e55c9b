#pragma once

#include "usherd/ports/workers.hpp"

#include <boost/asio/thread_pool.hpp>

#include <cstddef>

namespace usherd {

/// Owns the worker threads. Its destructor waits for all work handed in, whose results are then posted to
/// their event loops: those loops' contexts must outlive it. A throwing work never ends the process; its
/// caller gets the exception.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();
  [[nodiscard]] Workers workers();

 private:
  boost::asio::thread_pool pool_;
  Workers workers_;  ///< all that are handed out count their jobs together
};

}  // namespace usherd
