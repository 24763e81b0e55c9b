#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"

#include <cstdint>
#include <optional>

namespace usherd {

/// Tells a server that has stopped answering from single failures, and says so once and then hourly: what
/// fails now and then is nobody's business, what goes on failing somebody must be able to find in the log.
/// Pure.
class OutageWatch {
 public:
  struct Outage {
    std::uint64_t requests = 0;  ///< that failed in a row
    Milliseconds lasted{0};      ///< since the first of them
  };

  /// A request came to nothing. An Outage is to be told of now.
  [[nodiscard]] std::optional<Outage> failed(BootTime now);
  /// A request was answered: the Outage that is over, if it was told of.
  [[nodiscard]] std::optional<Outage> answered(BootTime now);
  /// The Outage that goes on, if it was told of.
  [[nodiscard]] std::optional<Outage> present(BootTime now) const;

 private:
  [[nodiscard]] Outage outage(BootTime now) const;

  std::uint64_t failed_ = 0;
  BootTime first_{};
  std::optional<BootTime> told_;
};

}  // namespace usherd
