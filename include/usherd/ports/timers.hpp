#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/ports/waits.hpp"

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
  /// `what` names the waits of this alarm.
  [[nodiscard]] virtual std::unique_ptr<Alarm> alarm(WaitFor what) = 0;
  [[nodiscard]] std::unique_ptr<Alarm> alarm() { return alarm(WaitFor::unnamed); }
};

inline constexpr BootTime kNever = BootTime::max();

}  // namespace usherd
