#pragma once

#include "usherd/settle/reject_store.hpp"
#include "usherd/settle/user_updates.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd {

/// Where one update of a user is, or how it ended.
struct TracedUpdate {
  enum class State : std::uint8_t {
    waiting,     ///< accepted, in no batch yet
    frozen,      ///< in a batch that has no job yet
    processing,  ///< in a batch that has a job
    imported,
    merged,  ///< into a newer record of the same user that was imported
    rejected,
    unknown,
    ended,  ///< imported or rejected: its reject line may be among those that were dropped since
  };
  State state = State::waiting;
  std::string file;  ///< the name under which the file is kept
  FileNumber sequence = 0;
  std::optional<std::uint64_t>
      line;                  ///< of the original; nothing where only its place among the records is known
  std::uint64_t record = 0;  ///< line in the NDJSON that was read; 0 where that is not known
  std::string code;          ///< of a reject
  std::string retried_as;
  BatchId batch = 0;
  std::string job;
  std::optional<WallTime> accepted;
  std::optional<WallTime> submitted;
  std::optional<WallTime> finished;
};

[[nodiscard]] std::string_view name_of(TracedUpdate::State state);

/// All that is known of one user's updates: from the ledger, the backlog and the rejects. Blocking; the
/// references must outlive it.
class UserHistory {
 public:
  /// Older ones are left out.
  static constexpr std::size_t kMost = 10'000;

  UserHistory(LedgerReader& ledger, Files& files, const SpoolLayout& layout, const UserKeys& keys)
      : ledger_(ledger), files_(files), layout_(layout), keys_(keys), rejects_(files, layout) {}

  struct Story {
    std::vector<TracedUpdate> updates;    ///< in order of acceptance
    std::vector<std::string> unsearched;  ///< accepted files that were not looked into to their end
    bool cut = false;                     ///< there were more than kMost
  };
  /// `user` is a uid, or the id of a record; decoded.
  [[nodiscard]] Result<Story> of(std::string_view user);

 private:
  using Share = std::pair<FileNumber, BatchId>;
  [[nodiscard]] Result<void> add(const UserUpdate& update, Story& story);
  [[nodiscard]] Result<const SpoolFile*> file(FileNumber number);
  [[nodiscard]] Result<void> add_rejects(std::string_view user, Story& story);
  [[nodiscard]] Result<void> take(const StoredReject& reject, bool is_users, Story& story);
  [[nodiscard]] Result<void> conclude(Story& story);

  LedgerReader& ledger_;
  Files& files_;
  SpoolLayout layout_;
  const UserKeys& keys_;
  RejectStore rejects_;
  std::map<FileNumber, SpoolFile> known_;
  std::map<std::string, FileNumber, std::less<>> numbers_;
  std::map<Share, std::uint64_t> reject_lines_;  ///< seen, of the shares of this user's updates
};

}  // namespace usherd
