#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <list>

namespace usherd {

/// Counts places and hands them out in order of asking. Event loop only; must outlive its waiters.
class Semaphore {
 public:
  Semaphore(boost::asio::any_io_executor loop, std::size_t places) : loop_(std::move(loop)), free_(places) {}

  /// Throws operation_aborted when the waiting coroutine is cancelled; then it holds no place.
  [[nodiscard]] boost::asio::awaitable<void> acquire();
  void release();
  /// More or fewer places; those in use stay in use.
  void add_places(std::ptrdiff_t count);
  [[nodiscard]] std::size_t waiting() const { return waiters_.size(); }

 private:
  struct Waiter {
    boost::asio::steady_timer wake;
    bool granted = false;
  };
  void grant();

  boost::asio::any_io_executor loop_;
  std::ptrdiff_t free_;
  std::list<Waiter> waiters_;
};

/// Gives a place back when it goes out of scope.
class SemaphorePlace {
 public:
  explicit SemaphorePlace(Semaphore& semaphore) : semaphore_(&semaphore) {}
  SemaphorePlace(SemaphorePlace&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
  SemaphorePlace& operator=(SemaphorePlace&&) = delete;
  ~SemaphorePlace() { release(); }
  void release() {
    if (semaphore_ != nullptr)
      std::exchange(semaphore_, nullptr)->release();
  }

 private:
  Semaphore* semaphore_;
};

}  // namespace usherd
