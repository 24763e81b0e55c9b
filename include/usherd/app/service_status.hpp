#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/submit/parking.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace usherd {

enum class ServicePhase : std::uint8_t { starting, delivering, draining, stopping };

/// What the one line behind `systemctl status` is made of.
struct ServiceFacts {
  ServicePhase phase = ServicePhase::starting;
  std::vector<ParkReason> parked;    ///< every reason that holds
  BootClock::duration parked_for{};  ///< since the first of them
  BootClock::duration held_for{};    ///< still to wait for a Retry-After
  BootClock::duration silent_for{};  ///< for which the API has not answered; 0 while it does
  double records_per_second = 0;
  std::size_t batches = 0;  ///< in progress
  std::size_t files = 0;    ///< accepted and not settled
  std::size_t exchanges = 0;
};

/// "delivering 1200 records/s; 8 batches in progress; 12 files waiting". No names of files, no words of the
/// API.
[[nodiscard]] std::string status_line(const ServiceFacts& facts);

/// Records a second over the last minute, from a count that only grows. Pure.
class RateMeter {
 public:
  void note(std::uint64_t total, BootTime now);
  [[nodiscard]] double per_second() const;

 private:
  struct Point {
    BootTime at{};
    std::uint64_t total = 0;
  };
  std::deque<Point> points_;
};

}  // namespace usherd
