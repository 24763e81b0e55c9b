#pragma once

#include "usherd/admin/age_table.hpp"
#include "usherd/admin/code_tally.hpp"
#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/spool/left_file.hpp"
#include "usherd/submit/parking.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

enum class ServiceState : std::uint8_t { starting, idle, delivering, waiting, parked, stopping };
[[nodiscard]] std::string_view to_string(ServiceState state);

struct ParkedReport {
  ParkReason reason = ParkReason::paused;
  WallTime since{};
  Milliseconds age{0};
  std::string detail;       ///< what the part that parked has to say; may be empty
  std::string advice = {};  ///< what to do; empty: what advice_for() says
};

[[nodiscard]] std::string advice_for(const ParkedReport& parked);

/// Request after request comes to nothing.
struct OutageReport {
  Milliseconds age{0};
  WallTime since{};
  std::uint64_t requests = 0;  ///< that failed in a row
  std::string cause;           ///< of the last one
};

struct BudgetReport {
  std::uint64_t used = 0;
  std::uint64_t usable = 0;  ///< of the limit, after 429s
  std::uint64_t limit = 0;
};

struct JobReport {
  std::uint64_t batch = 0;
  std::string job;         ///< opaque, from the server; empty while there is none
  std::string_view stage;  ///< a word from a fixed list
  std::uint64_t records = 0;
  Milliseconds age{0};
};

/// An accepted file, or a batch, that cannot go on before somebody or something mends the disk.
struct StuckReport {
  std::string name;    ///< printable
  std::string reason;  ///< what the disk says
};

/// How files and records ended since the service started.
struct EndedReport {
  Outcomes outcomes;  ///< of records
  std::uint64_t files_done = 0;
  std::uint64_t files_with_rejects = 0;
  std::uint64_t files_refused = 0;
};

/// What the running service does, as plain values: what status, page and metrics show. docs/status.md is its
/// page.
struct StatusReport {
  static constexpr std::size_t kMostJobs = 50;
  static constexpr std::size_t kMostCodes = 20;
  static constexpr std::size_t kMostLeft = 50;
  static constexpr std::size_t kMostStuck = 50;
  static constexpr std::size_t kRatePoints = 120;

  std::string version;
  std::string_view mode = "run";
  std::int64_t pid = 0;
  WallTime now{};
  WallTime started{};
  Milliseconds uptime{0};

  ServiceState state = ServiceState::starting;
  std::vector<ParkedReport> parked;
  Milliseconds held{0};  ///< still to wait for a Retry-After
  std::optional<OutageReport> outage;

  AgeTable backlog;
  std::optional<Milliseconds> oldest;
  std::uint64_t pending_records = 0;  ///< read, accepted by the rules, without outcome
  std::uint64_t waiting_records = 0;  ///< of these, behind an unfinished batch of their user

  BudgetReport batches;
  BudgetReport operations;
  std::uint64_t sessions_busy = 0;
  std::uint64_t sessions_idle = 0;  ///< connected, nothing to do
  std::uint64_t sessions_limit = 0;

  std::vector<JobReport> jobs;  ///< oldest first; status_json() shows kMostJobs of them
  std::uint64_t job_count = 0;  ///< those without a job yet counted in
  std::optional<Milliseconds> oldest_job;

  EndedReport ended;
  double rate_now = 0;               ///< records a second, over the last 15 s
  double rate_hour = 0;              ///< over the last hour
  std::vector<double> rate_history;  ///< kRatePoints steps of 30 s, oldest first
  std::optional<Milliseconds> eta;
  std::vector<CodeTally::Entry> rejects;  ///< the latest first, at most kMostCodes

  std::vector<StuckReport> stuck;  ///< at most kMostStuck; shown by name through the socket alone
  std::uint64_t stuck_count = 0;   ///< all of them

  std::vector<LeftFile> left;  ///< files that stay in incoming/; shown by name through the socket alone
  LeftCounts left_counts;      ///< all of them, those counted in that are not in `left`
  std::uint64_t free_bytes = 0;
  std::uint64_t ledger_bytes = 0;
  bool ledger_answers = true;
  bool reload_good = true;
};

/// Why it is not ready, with a line for each reason that parks it; nothing when it is.
[[nodiscard]] std::optional<std::string> not_ready(const StatusReport& report);

/// How long the backlog will take: its bytes at the present pace, or nothing where that says nothing.
/// `record_bytes` is what a record takes on the average.
[[nodiscard]] std::optional<Milliseconds> reckon_eta(std::uint64_t backlog_bytes, double record_bytes,
                                                     double records_per_second);

/// The member `jobs` alone.
[[nodiscard]] std::string jobs_json(const StatusReport& report);

/// The report as docs/status.md describes it. Names of files are the producers' and may tell of people:
/// `with_names` only through the socket.
[[nodiscard]] std::string status_json(const StatusReport& report, bool with_names);

}  // namespace usherd
