#pragma once

#include "src/app/daemon_parts.hpp"
#include "src/app/ledger_pulse.hpp"
#include "src/app/supervision.hpp"
#include "usherd/admin/status_report.hpp"
#include "usherd/admin/tally.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// Gathers from the daemon's parts what status, page and metrics show, when somebody asks: the stages only
/// count. Event loop only; the parts must outlive it.
class StatusCollector {
 public:
  struct Facts {
    std::string_view mode;
    std::function<ServicePhase()> phase;
    std::function<bool()> reload_good;
  };
  StatusCollector(DaemonParts& parts, Facts facts);

  /// Answers within a second or two, with the last view of a ledger that does not.
  [[nodiscard]] boost::asio::awaitable<StatusReport> collect();
  /// What was gathered a moment ago no longer holds: an operator changed something.
  void forget() { last_.reset(); }
  /// Only what healthz and readyz need of it.
  [[nodiscard]] boost::asio::awaitable<bool> ledger_answers();
  [[nodiscard]] std::string metrics(const StatusReport& report) const;

 private:
  [[nodiscard]] StatusReport look(bool ledger_answers);
  void add_parked(StatusReport& report, Instant now) const;
  void add_backlog(StatusReport& report, Instant now);
  void add_stuck(StatusReport& report);
  void add_jobs(StatusReport& report) const;
  void add_pace(StatusReport& report, Instant now) const;
  [[nodiscard]] ServiceState state_of(const StatusReport& report) const;

  DaemonParts& parts_;
  Facts facts_;
  LedgerPulse pulse_;
  Instant started_;
  std::optional<StatusReport> last_;
  BootTime fresh_until_{};
  std::uint64_t moving_bytes_ = 0;  ///< of the backlog: what is not stuck
  bool moves_ = true;               ///< not all of it is
  double record_bytes_ = 0;         ///< of a record on the average, as last seen
};

}  // namespace usherd
