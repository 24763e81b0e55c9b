#pragma once

#include "src/settle/rivals.hpp"
#include "usherd/settle/replay.hpp"

#include <optional>
#include <string>
#include <vector>

namespace usherd {

/// Which rejects may be sent again without overwriting newer data of their users. Holds the places of the
/// rejects, not their records. Blocking; references must outlive it.
class RetryChoice {
 public:
  RetryChoice(LedgerReader& ledger, Files& files, const SpoolLayout& layout, const UserKeys& keys,
              const RejectStore& rejects)
      : ledger_(ledger), files_(files), layout_(layout), keys_(keys), rejects_(rejects) {}

  /// Tells in `report` what matched, what was sent again before, and what is refused and why. Errc::invalid
  /// where more than Replay::kMostRecords match.
  [[nodiscard]] Result<void> make(const ReplayOrder& order, ReplayReport& report);
  /// Those that may go, in their order of acceptance.
  [[nodiscard]] const std::vector<ReplayCandidate>& chosen() const { return chosen_; }
  /// Of the file whose reject it is.
  [[nodiscard]] const std::string& name(const ReplayCandidate& candidate) const {
    return names_[candidate.name];
  }

 private:
  [[nodiscard]] Result<void> find(const RejectFilter& filter, ReplayReport& report);
  void add(const StoredReject& reject);
  [[nodiscard]] Result<void> find_places();
  [[nodiscard]] Result<void> meet(Rivals& rivals);
  [[nodiscard]] Result<void> learn_fates(Rivals& rivals);
  [[nodiscard]] Result<void> weed(Rivals& rivals, bool force, ReplayReport& report);
  [[nodiscard]] Result<std::optional<ReplayRefusal>> objection(const ReplayCandidate& candidate,
                                                               const Rivals& rivals, bool force);
  [[nodiscard]] Result<std::string> describe(const Rival& rival);

  LedgerReader& ledger_;
  Files& files_;
  SpoolLayout layout_;
  const UserKeys& keys_;
  const RejectStore& rejects_;
  std::vector<ReplayCandidate> chosen_;
  RetriedPlaces places_;
  FileNumber forgotten_ = 0;        ///< the last one
  std::vector<std::string> names_;  ///< of the candidates' files, by ReplayCandidate::name
  Unsearched unsearched_;
};

}  // namespace usherd
