#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <list>
#include <utility>

namespace usherd {

/// Counts places and hands them out in order of asking. Event loop only; must outlive its waiters.
class Semaphore {
 public:
  Semaphore(boost::asio::any_io_executor loop, std::size_t places) : loop_(std::move(loop)), free_(places) {}

  /// Throws operation_aborted when the waiting coroutine is cancelled; then it holds no place. Who asks for
  /// several gets them together, and those behind it wait meanwhile.
  [[nodiscard]] boost::asio::awaitable<void> acquire(std::size_t count = 1);
  void release(std::size_t count = 1);
  /// More or fewer places; those in use stay in use.
  void add_places(std::ptrdiff_t count);
  [[nodiscard]] std::size_t waiting() const { return waiters_.size(); }

 private:
  struct Waiter {
    boost::asio::steady_timer wake;
    std::ptrdiff_t count = 1;
    bool granted = false;
  };
  void grant();
  [[nodiscard]] bool is_awaited() const;

  boost::asio::any_io_executor loop_;
  std::ptrdiff_t free_;
  std::list<Waiter> waiters_;
};

/// Gives a place, or several, back when it goes out of scope.
class SemaphorePlace {
 public:
  explicit SemaphorePlace(Semaphore& semaphore, std::size_t count = 1)
      : semaphore_(&semaphore), count_(count) {}
  SemaphorePlace(SemaphorePlace&& other) noexcept
      : semaphore_(std::exchange(other.semaphore_, nullptr)), count_(other.count_) {}
  SemaphorePlace& operator=(SemaphorePlace&&) = delete;
  ~SemaphorePlace() { release(); }
  void release() {
    if (semaphore_ != nullptr)
      std::exchange(semaphore_, nullptr)->release(count_);
  }

 private:
  Semaphore* semaphore_;
  std::size_t count_;
};

}  // namespace usherd
