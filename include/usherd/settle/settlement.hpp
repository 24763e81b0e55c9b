#pragma once

#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace usherd {

/// A file whose records all have their outcomes, with what its receipt says. Its memory follows its batches,
/// some 200 bytes each.
struct Ending {
  SpoolFile file;
  std::uint64_t records = 0;
  Outcomes outcomes;  ///< what local rules refused counted in
  std::vector<ReceiptBatch> batches;
  WallTime finished{};
  /// Where bytes were appended after the claim, the name they are dropped under: by find_tail, and
  /// name_tails.
  std::string tail;
  bool tail_told = false;  ///< the receipt stands already and says that name
  /// How much of the file is accounted for: what was accepted and, once it is dropped, the tail.
  std::uint64_t taken = 0;
};

/// The name under which what was appended to a file after its claim is dropped: "a~tail.ndjson" for
/// "a.ndjson", while that is free. That of CSV is no file of its own, as its header row is missing:
/// "a.csv~tail" is refused whole.
[[nodiscard]] std::string tail_name(std::string_view name);

/// Carries ended files out of working/: rejects, receipt, the file itself, then the ledger, then the
/// leftovers. For a group of files: gather on the ledger's thread; find_tail each on any worker, several at
/// once; name_tails on the ledger's thread, where there is one; prepare as find_tail; publish on one worker;
/// commit on the ledger's thread; left_behind and clean on a worker. Who fails on the way leaves the group,
/// and its neighbours go on. Each step recognises what was done before a crash, so the whole may be begun
/// again at any point. Blocking; holds no state; the files must outlive it.
class Settlement {
 public:
  /// Bytes that are free on the spool's file system.
  using FreeSpace = std::function<Result<std::uint64_t>()>;

  /// Without `free_space` there is always enough.
  Settlement(Files& files, SpoolLayout layout, FreeSpace free_space = {})
      : files_(files), layout_(std::move(layout)), free_space_(std::move(free_space)) {}

  /// Reads what is needed from the ledger, where the file's mark must stand at its end. Errc::invalid while
  /// the file is not read to its end or one of its batches is open, corrupt when its counts do not add up.
  [[nodiscard]] static Result<Ending> gather(Ledger& ledger, FileNumber number, WallTime now);
  /// Copies what was appended to the file since its claim, so that publish can drop it again as a file of its
  /// own, once: the receipt, in its place before the copy is, tells a repeat that it was made. One that
  /// stands from before a crash and tells of none is taken back where the file grew since. A refused file
  /// goes as a whole and has none. Errc::no_space before the first byte is written where it would not fit.
  [[nodiscard]] Result<void> find_tail(Ending& ending) const;
  /// Gives those tails that no receipt tells of yet names under which they will stay.
  [[nodiscard]] Result<void> name_tails(Ledger& ledger, std::span<Ending> group) const;
  /// Writes reject lines and receipt, or the refusal, beside the file, and syncs them. Errc::corrupt when
  /// what should be there is not.
  [[nodiscard]] Result<void> prepare(const Ending& ending) const;
  /// Moves prepared files to their places, with one sync a folder. A tail takes in what is appended until its
  /// file stands in done/. A result for each, in order: Errc::cancelled, and nothing was moved, for one that
  /// has no tail and grew since find_tail, which is to begin anew.
  [[nodiscard]] std::vector<Result<void>> publish(std::span<Ending> group) const;
  /// Inside one transaction, for those that were published.
  [[nodiscard]] static Result<void> commit(Ledger& ledger, std::span<const Ending> group);
  /// Bytes that were appended to a published file too late to enter with its tail.
  [[nodiscard]] Result<std::uint64_t> left_behind(const Ending& ending) const;
  /// Removes what was derived from a settled file. Nothing depends on it: what is left is swept at a start.
  [[nodiscard]] Result<void> clean(const Ending& ending) const;

 private:
  [[nodiscard]] Result<void> copy_tail(const SpoolFile& file, const std::string& copy) const;
  [[nodiscard]] Result<void> prepare_rejects(const Ending& ending) const;
  [[nodiscard]] Result<void> prepare_receipt(const Ending& ending) const;
  [[nodiscard]] Result<void> prepare_refusal(const Ending& ending) const;
  [[nodiscard]] Result<void> must_not_have_grown(const Ending& ending) const;
  [[nodiscard]] Result<void> extend_tail(Ending& ending, const std::string& copy) const;
  [[nodiscard]] Result<void> drop_tail(Ending& ending) const;
  [[nodiscard]] Result<void> publish_one(Ending& ending) const;

  Files& files_;
  SpoolLayout layout_;
  FreeSpace free_space_;
};

}  // namespace usherd
