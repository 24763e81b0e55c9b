#pragma once

#include "usherd/settle/reject_store.hpp"
#include "usherd/settle/user_updates.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace usherd {

/// What `rejects retry` and `rejects drop` work on.
struct ReplayOrder {
  RejectFilter filter;
  bool force = false;    ///< also where newer data may have been forgotten, or a user be made twice
  bool dry_run = false;  ///< says what would be done, does nothing
};

/// A reject that was not sent again.
struct ReplayRefusal {
  enum class Reason : std::uint8_t {
    newer_data,        ///< a later update of its user was imported, is on its way, or may have been imported
    older_than_index,  ///< of later files some are forgotten; `force` takes it
    unsearched,        ///< a file is being converted, or the backlog is too large to look through; `force`
    second_user,       ///< unknown and anonymous: it may have made its user; `force`
    not_json,          ///< only `raw` is known of it: export, correct, submit
  };
  std::string file;
  std::uint64_t line = 0;
  Reason reason = Reason::newer_data;
  std::string detail;
};

[[nodiscard]] std::string_view name_of(ReplayRefusal::Reason reason);

struct ReplayReport {
  static constexpr std::size_t kMostRefusals = 100;

  std::uint64_t matched = 0;
  std::uint64_t done = 0;     ///< sent again, or dropped
  std::uint64_t already = 0;  ///< were sent again before
  std::uint64_t refused = 0;
  std::string file;                     ///< the new one; empty for none
  std::vector<ReplayRefusal> refusals;  ///< the first of them
};

/// Sends rejects again, or removes them. A retry is a new file of the original records in their order of
/// acceptance, dropped like any other; it never overwrites newer data of a user. A retry that is cut short
/// anywhere is ended by CutRetries, which both call first. Blocking; one at a time; nobody else may write to
/// rejected/ meanwhile but the settling of new files. References must outlive it.
class Replay {
 public:
  /// The places of this many are held at once, 120 bytes each.
  static constexpr std::size_t kMostRecords = 200'000;

  Replay(LedgerReader& ledger, Files& files, const SpoolLayout& layout, const UserKeys& keys)
      : ledger_(ledger), files_(files), layout_(layout), keys_(keys), rejects_(files, layout) {}

  /// `name` is that of the new file; it gets a number where it is taken. Errc::invalid where more than
  /// kMostRecords match; Errc::unavailable while incoming/ or working/ holds files that are not accepted yet,
  /// or where files are accepted all the time, as these may hold newer data.
  [[nodiscard]] Result<ReplayReport> retry(const ReplayOrder& order, const std::string& name);
  /// The rejects of a file that has not settled stay there with no line: settling would make them anew, and
  /// removes them then.
  [[nodiscard]] Result<ReplayReport> drop(const ReplayOrder& order);

 private:
  [[nodiscard]] Result<bool> has_settled(const std::string& name);
  [[nodiscard]] Result<ReplayReport> retry_once(const ReplayOrder& order, const std::string& name);
  [[nodiscard]] Result<void> nothing_waits_to_be_accepted();
  /// The highest number in working/, of a file that perhaps no ledger knows yet, and its name.
  [[nodiscard]] Result<std::pair<FileNumber, std::string>> newest_claimed();
  /// Holds the ledger still; the number of its last file.
  [[nodiscard]] Result<FileNumber> all_is_accepted();
  /// Since the ledger was last held still.
  [[nodiscard]] Result<void> nothing_was_accepted();

  LedgerReader& ledger_;
  Files& files_;
  SpoolLayout layout_;
  const UserKeys& keys_;
  RejectStore rejects_;
};

}  // namespace usherd
