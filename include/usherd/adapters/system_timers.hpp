#pragma once

#include "usherd/ports/timers.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace usherd {

/// The machine's clocks: CLOCK_BOOTTIME and the wall clock. Alarms wait on the executor's context, which must
/// outlive them; an alarm must outlive its waiter. A cancelled wait throws
/// boost::system::system_error(operation_aborted).
class SystemTimers final : public Timers {
 public:
  explicit SystemTimers(boost::asio::any_io_executor executor);
  using Timers::alarm;
  [[nodiscard]] Instant now() override;
  [[nodiscard]] std::unique_ptr<Alarm> alarm(WaitFor what) override;

 private:
  boost::asio::any_io_executor executor_;
};

}  // namespace usherd
