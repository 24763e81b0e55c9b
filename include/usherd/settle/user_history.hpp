#pragma once

#include "usherd/settle/reject_store.hpp"
#include "usherd/settle/user_updates.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
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
  std::uint64_t place = 0;   ///< in its file: the line, or the record where no reject line tells of one
  std::string code;          ///< of a reject
  std::string retried_as;
  BatchId batch = 0;
  std::string job;
  std::optional<WallTime> accepted;
  std::optional<WallTime> submitted;
  std::optional<WallTime> finished;
};

[[nodiscard]] std::string_view name_of(TracedUpdate::State state);

/// All that is known of users' updates: from the ledger, the backlog and the rejects, each looked through
/// once however many users are asked for. Blocking; the references must outlive it.
class UserHistory {
 public:
  /// Older ones are left out.
  static constexpr std::size_t kMost = 10'000;

  UserHistory(LedgerReader& ledger, Files& files, const SpoolLayout& layout, const UserKeys& keys)
      : ledger_(ledger), files_(files), layout_(layout), keys_(keys), rejects_(files, layout) {}

  struct Story {
    std::vector<TracedUpdate> updates;  ///< in order of acceptance
    bool cut = false;                   ///< there were more than kMost
  };
  /// Of a uid, or the id of a record, each; decoded, none twice. Where all have too many updates to hold, the
  /// stories of so many as do not, from the first on; of one at least.
  [[nodiscard]] Result<std::vector<Story>> of(std::span<const std::string> users);
  /// Files that may hold more of the users last asked for.
  [[nodiscard]] const Unsearched& unsearched() const { return unsearched_; }
  /// Passed over among the rejects: they may tell of any user.
  [[nodiscard]] const BadLines& bad_lines() const { return bad_lines_; }

 private:
  using Share = std::pair<FileNumber, BatchId>;
  [[nodiscard]] Result<void> add(const UserUpdate& update, Story& story);
  [[nodiscard]] Result<const SpoolFile*> file(FileNumber number);
  void expect(std::span<const std::string> users);
  [[nodiscard]] Result<void> add_updates();
  [[nodiscard]] Result<void> add_rejects();
  [[nodiscard]] Result<void> take(const StoredReject& reject);
  /// Of a line that names nobody, as its record's bytes were gone: true where it counts for its share.
  [[nodiscard]] bool take_nameless(const StoredReject& reject, const Share& share);
  [[nodiscard]] Result<void> find_lines();
  [[nodiscard]] Result<void> add_reject(const StoredReject& reject, std::size_t story);
  /// Of a batch's reject: which update of that user it tells of. Found once.
  [[nodiscard]] TracedUpdate* find_update(const StoredReject& reject, std::size_t story);
  [[nodiscard]] Result<const SpoolFile*> file_named(const std::string& name);
  void make_room();
  void put_in_order(std::size_t story);
  [[nodiscard]] Result<void> conclude(Story& story);

  LedgerReader& ledger_;
  Files& files_;
  SpoolLayout layout_;
  const UserKeys& keys_;
  RejectStore rejects_;
  std::map<FileNumber, SpoolFile> known_;
  std::map<std::string, FileNumber, std::less<>> numbers_;
  std::map<Share, std::uint64_t> reject_lines_;  ///< seen, of the shares of these users' updates
  /// Share, line in the original (0: not known), and story.
  using Place = std::tuple<Share, std::uint64_t, std::size_t>;
  std::multimap<Place, std::size_t> by_line_;  ///< updates of batches that no reject has told of
  std::set<Share> lineless_;                   ///< of updates whose line in the original is not known
  std::vector<Story> stories_;
  /// Of each story, rejects that tell of none of its updates: as those of local rules.
  std::vector<std::vector<TracedUpdate>> lone_rejects_;
  std::pair<std::string, std::optional<SpoolFile>> named_;  ///< asked for last: rejects come a file at a time
  Unsearched unsearched_;
  BadLines bad_lines_;
  std::unordered_map<std::uint64_t, std::size_t> by_key_;  ///< which story is that of a user's key
  std::unordered_map<std::string, std::size_t> by_name_;
};

}  // namespace usherd
