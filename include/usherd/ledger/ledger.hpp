#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/rows.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

class Database;

/// What survives a crash: files, batches, jobs, outcomes; the only place where a state changes. Owns one
/// SQLite database (WAL, synchronous=FULL). Not thread-safe: one thread at a time. Every change happens
/// inside transaction(); docs/ledger.md holds the states, the legal moves and the format.
class Ledger {
 public:
  /// Opens or makes `directory`/ledger.sqlite. Errc::corrupt for a damaged or newer one, denied when locked.
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> open(const std::string& directory);
  /// The same in an SQLite VFS of that name instead of the system's, which makes the file itself.
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> open_in(const char* vfs, const std::string& directory);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// Runs `change` in one durable transaction; an error from it or from the commit rolls everything back. On
  /// a full disk it is run once more when the write-ahead log could be cut.
  [[nodiscard]] Result<void> transaction(const std::function<Result<void>()>& change);

  // Small facts: spool id, base_url, org id, pause, Retry-After, the secret of the user keys.
  [[nodiscard]] Result<std::optional<std::string>> fact(std::string_view name);
  [[nodiscard]] Result<void> set_fact(std::string_view name, std::string_view value);

  // Files.
  [[nodiscard]] Result<FileNumber> last_file_number();
  [[nodiscard]] Result<void> insert_file(const SpoolFile& file);
  [[nodiscard]] Result<bool> name_taken(std::string_view name);
  [[nodiscard]] Result<std::optional<SpoolFile>> file(FileNumber number);
  /// Files that are not settled, in order, numbers above `after`, at most `most`.
  [[nodiscard]] Result<std::vector<SpoolFile>> open_files(FileNumber after, std::size_t most);
  [[nodiscard]] Result<std::uint64_t> count_open_files();
  [[nodiscard]] Result<void> file_ready(FileNumber number, bool converted, std::uint64_t read_size);
  [[nodiscard]] Result<void> file_refused(FileNumber number, std::string_view code, std::string_view message);
  [[nodiscard]] Result<void> move_mark(FileNumber number, const ReadMark& mark);
  /// The end of a file; `records` is what was read.
  [[nodiscard]] Result<void> file_settled(FileNumber number, std::uint64_t records, const Outcomes& outcomes,
                                          WallTime finished);
  struct Expired {
    FileNumber number = 0;
    std::string name;
    bool refused = false;
    WallTime finished{};
  };
  /// Settled files that finished before `before`, at most `most`.
  [[nodiscard]] Result<std::vector<Expired>> finished_before(WallTime before, std::size_t most);
  /// A folder that keeps something of a settled file: done/ the file and its receipt, rejected/ its reject
  /// lines or the refused file.
  enum class Kept : std::uint8_t { done, rejected };
  /// A place in the order of their ends.
  struct End {
    WallTime finished = WallTime::min();
    FileNumber number = 0;
  };
  /// Of those, the ones past `after` of which that folder still keeps something, oldest first.
  [[nodiscard]] Result<std::vector<Expired>> kept_before(Kept where, WallTime before, std::size_t most,
                                                         const End& after);
  /// That folder keeps nothing of a settled file any more; the file is forgotten once no folder does.
  [[nodiscard]] Result<void> not_kept(FileNumber number, Kept where);
  /// Removes the row of a file, its shares, and the batches that no file is left of.
  [[nodiscard]] Result<void> forget_file(FileNumber number);
  /// The highest number of a file that was forgotten; 0 for none.
  [[nodiscard]] Result<FileNumber> last_forgotten();
  /// What the users of files up to this one were given is not known whole, as if such files were forgotten.
  [[nodiscard]] Result<void> history_lost(FileNumber last);

  // Batches.
  [[nodiscard]] Result<BatchId> last_batch_id();
  /// Ids up to this one were given by another ledger: they are given no more.
  [[nodiscard]] Result<void> batches_given(BatchId last);
  [[nodiscard]] Result<void> insert_batch(const BatchRow& batch, std::span<const Share> shares);
  /// Batches that are frozen or accepted, with manifest and users, in order of id.
  [[nodiscard]] Result<void> open_batches(const std::function<Result<void>(BatchRow)>& visit);
  [[nodiscard]] Result<Manifest> manifest(BatchId id);
  /// Gives the batch another key and makes it frozen again; `abandons` when the old one may still run: only
  /// then is it counted and `reason` kept.
  [[nodiscard]] Result<void> rekey(BatchId id, std::string_view key, bool abandons, std::string_view reason);
  [[nodiscard]] Result<void> set_sent(BatchId id, const std::optional<SendTime>& sent);
  [[nodiscard]] Result<void> batch_accepted(BatchId id, std::string_view job,
                                            std::optional<WallTime> job_created, WallTime submitted);
  [[nodiscard]] Result<void> count_try_without_verdict(BatchId id);
  /// Its manifest and users go. The batches that hold its records now must be inserted in the same
  /// transaction. The keys and operations of `estate` are added to those that its root's heirs hold.
  [[nodiscard]] Result<void> batch_retired(BatchId id, const Estate& estate = {});
  /// Those of which an heir is not ended.
  [[nodiscard]] Result<std::vector<Estate>> estates();
  /// The end of a batch, with the outcomes of each share. `manifest` replaces the stored one when literals of
  /// it were taken apart: their sources become singles.
  [[nodiscard]] Result<void> batch_ended(BatchId id, std::span<const Share> shares, WallTime finished,
                                         const Manifest* manifest, std::span<const Run> singles);

  // Coverage: what a restart need not read again.
  /// Manifests of all batches but retired ones that hold something of `file` past `offset`.
  [[nodiscard]] Result<void> coverage(FileNumber file, std::uint64_t offset,
                                      const std::function<Result<void>(const Manifest&)>& visit);
  /// Records that must be sent by themselves, in order.
  [[nodiscard]] Result<std::vector<Run>> singles();
  /// Those of `file` that stand at or past `offset`.
  [[nodiscard]] Result<std::vector<Run>> singles_of(FileNumber file, std::uint64_t offset);
  [[nodiscard]] Result<void> single_frozen(FileNumber file, std::uint64_t offset);

  // Settling.
  /// Of the batches that ended; what local rules refused stands in the file's mark alone.
  [[nodiscard]] Result<Outcomes> outcomes(FileNumber file);
  /// Whether a batch of this file is still open.
  [[nodiscard]] Result<bool> has_open_batches(FileNumber file);
  /// The ended batches of a file, in order of id.
  [[nodiscard]] Result<void> receipt_batches(FileNumber file,
                                             const std::function<Result<void>(const ReceiptBatch&)>& visit);

  // Status.
  struct BacklogFile {
    FileNumber number = 0;
    WallTime accepted{};
    std::uint64_t unread = 0;  ///< bytes, as of its mark
  };
  /// Calls `visit` with each file above `after` that is not settled, in order.
  [[nodiscard]] Result<void> backlog(FileNumber after, const std::function<void(const BacklogFile&)>& visit);
  struct FileEnd {
    FileNumber number = 0;
    std::uint64_t records = 0;  ///< 0 until it is settled, as are the outcomes
    Outcomes outcomes;
    std::optional<WallTime> finished;
  };
  /// The file that has this name in done/ or rejected/, or will have it.
  [[nodiscard]] Result<std::optional<FileEnd>> file_end(std::string_view name);
  /// The name of the newest file that was dropped as `original`, among the last kMostLookedThrough.
  [[nodiscard]] Result<std::optional<std::string>> kept_name_of(std::string_view original);
  static constexpr std::uint64_t kMostLookedThrough = 100'000;

  /// Bytes of the database on disk.
  [[nodiscard]] Result<std::uint64_t> size() const;
  /// Reads all of the database; Errc::corrupt with the first thing that is wrong. Minutes for a large one.
  [[nodiscard]] Result<void> check();

 private:
  explicit Ledger(std::unique_ptr<Database> database);
  [[nodiscard]] Result<void> try_transaction(const std::function<Result<void>()>& change);

  std::unique_ptr<Database> database_;
  bool full_ = false;  ///< the last transaction met a full disk
};

}  // namespace usherd
