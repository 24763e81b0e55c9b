#pragma once

#include "usherd/ports/timers.hpp"
#include "usherd/ports/waits.hpp"

#include <memory>

namespace usherd {

/// Another's timers, each wait of theirs noted by name and due time. Event loop only; both must outlive it
/// and its alarms.
class NotedTimers final : public Timers {
 public:
  NotedTimers(Timers& timers, Waits& waits) : timers_(timers), waits_(waits) {}
  using Timers::alarm;
  [[nodiscard]] Instant now() override { return timers_.now(); }
  [[nodiscard]] std::unique_ptr<Alarm> alarm(WaitFor what) override;

 private:
  Timers& timers_;
  Waits& waits_;
};

}  // namespace usherd
