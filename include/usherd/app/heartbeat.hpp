#pragma once

#include "usherd/ports/waits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace usherd {

/// What the event loop sees of the daemon at a beat.
struct VitalSigns {
  std::uint64_t ledger_asked = 0;     ///< changes handed to the ledger so far
  std::uint64_t ledger_answered = 0;  ///< those of them that are durable or known to have failed
  std::size_t jobs = 0;               ///< of workers and ledger, their answers still awaited
  bool unfinished = false;            ///< records are being read, packed or delivered
  std::size_t delivery_waits = 0;     ///< waits with a due time that carry records on
  bool takes_files = false;
  std::size_t intake_waits = 0;  ///< waits with a due time for the next look into incoming/
  bool stands_still = false;     ///< parked until an operator acts
  std::optional<Waits::Due> first_due;
};

/// Decides whether the watchdog may be told that the daemon lives: the event loop turned (it asks), workers
/// and ledger answer, every change given to the ledger was committed or refused, no wait is overdue, and
/// whatever is unfinished waits for something that has a name and a due time. Pure; a cause must stand at two
/// beats in a row, so that a machine that slept does not count as a daemon that hangs.
class Heartbeat {
 public:
  enum class Probe : std::uint8_t { workers, ledger };
  struct Limits {
    BootClock::duration answer{};  ///< the longest that an answer may take
    BootClock::duration late{};    ///< the longest that a wait may last past its due time
  };
  explicit Heartbeat(Limits limits) : limits_(limits) {}

  void sent(Probe probe, BootTime now);
  void answered(Probe probe);
  [[nodiscard]] bool awaits(Probe probe) const { return at(probe).has_value(); }

  /// Why no sign of life may be given; nothing where all is well.
  [[nodiscard]] std::optional<std::string> beat(const VitalSigns& signs, BootTime now);

 private:
  enum class Cause : std::uint8_t { none, workers, ledger, commit, overdue, delivery, intake };
  [[nodiscard]] const std::optional<BootTime>& at(Probe probe) const {
    return probes_[static_cast<std::size_t>(probe)];
  }
  [[nodiscard]] Cause cause(const VitalSigns& signs, BootTime now) const;
  [[nodiscard]] std::string words(Cause cause, const VitalSigns& signs, BootTime now) const;

  Limits limits_;
  std::array<std::optional<BootTime>, 2> probes_;  ///< when the one under way was sent
  std::uint64_t commit_goal_ = 0;                  ///< changes that had been handed in at commit_since_
  BootTime commit_since_{};
  Cause last_ = Cause::none;
};

}  // namespace usherd
