#pragma once

#include "src/settle/retried_places.hpp"
#include "usherd/settle/reject_store.hpp"
#include "usherd/settle/user_updates.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace usherd {

/// A reject that may be sent again: where its line stands, and where its record stood.
struct ReplayCandidate {
  std::uint32_t name = 0;  ///< index of its file's name
  std::uint32_t length = 0;
  std::uint64_t at = 0;
  FileNumber file = 0;  ///< 0: forgotten
  std::uint64_t line = 0;
  BatchId batch = 0;
  std::uint64_t key = 0;     ///< of its uid, or of its id where it has no uid; 0: anonymous
  std::uint64_t second = 0;  ///< of its id where it has both
  RecordPlace place;         ///< where its record stood first, as far as that is known
  bool unknown = false;      ///< nobody can tell whether it was imported
};

/// Another update of a candidate's user.
struct Rival {
  enum class Fate : std::uint8_t { pending, imported, doubtful, unknown, rejected } fate = Fate::pending;
  FileNumber file = 0;
  std::uint64_t line = 0;
  BatchId batch = 0;
  std::optional<RecordPlace> first;  ///< of one that a retry sent: where it stood first

  [[nodiscard]] bool is_newer_than(const ReplayCandidate& candidate) const;
};

/// The other updates of the users of some candidates, as far as they can stand against sending these again.
/// Plain values; fed by UserUpdates and by the rejects.
class Rivals {
 public:
  explicit Rivals(const std::vector<ReplayCandidate>& candidates);

  [[nodiscard]] std::vector<std::uint64_t> keys() const;
  /// `refused`: how many records of its batch and file were not imported. `first`: where a retry had it from.
  void add(const UserUpdate& update, std::uint64_t refused, const std::optional<RecordPlace>& first);
  /// Files and batches of which it must be told which records were refused.
  [[nodiscard]] const std::set<std::pair<FileNumber, BatchId>>& doubtful() const { return doubtful_; }
  /// A record of that batch and file, with one of these keys, was refused.
  void refused(FileNumber file, BatchId batch, std::uint64_t key, Stage stage);
  /// The candidate will be sent again after all that is older: it stands against none of these.
  void goes(const ReplayCandidate& candidate);
  /// The newest that forbids sending it again.
  [[nodiscard]] std::optional<Rival> against(const ReplayCandidate& candidate) const;

 private:
  struct OfUser {
    std::optional<Rival> certain;  ///< the newest that was imported or will be
    std::optional<Rival> retried;  ///< likewise, of those that a retry sent
    std::vector<Rival> doubtful;   ///< some of their batch were refused
  };
  /// More doubtful ones of one user than this are taken for imported.
  static constexpr std::size_t kMostDoubtful = 256;

  std::unordered_map<std::uint64_t, OfUser> users_;
  std::set<std::pair<FileNumber, BatchId>> doubtful_;
};

}  // namespace usherd
