#pragma once

#include "usherd/app/config.hpp"
#include "usherd/app/exit_code.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/settle/reject_store.hpp"
#include "usherd/spool/numbers.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// What may be wrong between a stopped spool and its state.
enum class FindingKind : std::uint8_t {
  damaged_ledger,  ///< SQLite says that the database contradicts itself
  not_together,    ///< spool and state are not a pair
  older_state,     ///< the ledger is a copy from before: the spool's numbers, or receipts, are beyond it
  missing_file,    ///< an accepted file is not in working/
  short_file,      ///< an accepted file is shorter than it was
  renamed,         ///< an accepted file stands under another name of its number
  orphan,          ///< a file in working/ that the ledger does not know, and no start will adopt
  changed_batch,   ///< the files of a frozen batch are not what its digest says
  missing_part,    ///< something derived from an accepted file is gone or too short
  leftover,        ///< derived from what ended long ago
  foreign,         ///< not usherd's
  cut_retry,       ///< a `rejects` command was cut short
  newer_ledger,    ///< a later version of usherd wrote it
  odd_folder,      ///< one of the spool's folders is none
  unreadable,      ///< a frozen batch whose files the disk does not give now
  missing_folder,  ///< one of the spool's folders is not there
  wrong_owner,     ///< files of usherd's that root made, out of the daemon's reach
  bad_reject,      ///< a line among the rejects that is none
};

/// One word, as it is printed.
[[nodiscard]] std::string_view word_of(FindingKind kind);

/// One thing that is wrong, what it means, and who can do what about it. Texts are printable.
struct Finding {
  FindingKind kind = FindingKind::foreign;
  std::string what;
  std::string advice;   ///< what an operator can do
  std::string remedy;   ///< what --repair does; empty where it can do nothing
  FileNumber file = 0;  ///< 0 where it is about none
  BatchId batch = 0;
  std::string name;  ///< in working/
};

/// What stands on the disk.
struct SpoolSurvey {
  std::map<std::string, std::uint64_t> working;  ///< sizes by name
  std::set<std::string> odd;                     ///< names of what is no regular file
  std::vector<std::string> cut_retries;          ///< what `rejects` commands left, with its folder
  BadLines bad_rejects;
  std::set<FileNumber> published;  ///< open files whose end was cut short: done/ or rejected/ holds them
  Numbers numbers;                 ///< as it remembers them
};

/// What the ledger says should.
struct LedgerSurvey {
  struct Batch {
    BatchId id = 0;
    bool matches = true;      ///< frozen and its digest is that of its files, or not to be sent again
    std::string why;          ///< why it does not
    bool unreadable = false;  ///< the disk does not give its files now: nobody can tell
    bool of_ended = false;    ///< it holds records of a file that ended elsewhere
  };
  FileNumber last_file = 0;
  BatchId last_batch = 0;
  FileNumber last_forgotten = 0;
  std::vector<SpoolFile> open;
  std::set<FileNumber> ended_elsewhere;                ///< of these, as ended_elsewhere() tells
  std::set<FileNumber> settled;                        ///< of those that working/ holds something of
  std::vector<Batch> batches;                          ///< those that are not ended
  std::map<FileNumber, std::vector<BatchId>> rejects;  ///< ended batches of open files with reject lines
};

/// Compares the two. Pure.
[[nodiscard]] std::vector<Finding> diagnose(const SpoolSurvey& spool, const LedgerSurvey& ledger);

/// The command: takes the locks, looks, prints what it found on stdout, and repairs it if told. 0: all is
/// well, or all that was found is repaired; with_rejects: something is left; busy: a daemon holds the spool.
[[nodiscard]] ExitCode run_doctor(const Config& config, Files& disk, bool repair);

}  // namespace usherd
