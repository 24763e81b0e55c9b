#pragma once

#include "usherd/core/clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace usherd {

/// A wait that somebody else may end. One waiter at a time.
class Alarm {
 public:
  virtual ~Alarm() = default;
  /// Waits until `due`, until ring() or until the coroutine is cancelled. Returns true when it was due. A
  /// ring() while nobody waits is kept for the next wait.
  [[nodiscard]] virtual boost::asio::awaitable<bool> wait_until(BootTime due) = 0;
  virtual void ring() = 0;
};

/// Time as the daemon sees it. Event loop only.
class Timers {
 public:
  virtual ~Timers() = default;
  [[nodiscard]] virtual Instant now() = 0;
  [[nodiscard]] virtual std::unique_ptr<Alarm> alarm() = 0;
};

inline constexpr BootTime kNever = BootTime::max();

}  // namespace usherd
