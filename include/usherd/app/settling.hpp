#pragma once

#include "usherd/batch/open_files.hpp"
#include "usherd/core/log.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/ports/workers.hpp"
#include "usherd/settle/expiry.hpp"
#include "usherd/settle/settlement.hpp"
#include "usherd/submit/recorder.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace usherd {

/// What was settled since the start.
struct SettledTotals {
  static constexpr std::size_t kMostRefusedNamed = 20;

  std::uint64_t files = 0;                 ///< refused ones counted in
  std::uint64_t refused = 0;               ///< whole files
  std::vector<std::string> first_refused;  ///< "NAME refused: CODE", printable, kMostRefusedNamed of them
  std::uint64_t with_rejects = 0;          ///< files of which records were rejected or ended unknown
  std::uint64_t records = 0;
  Outcomes outcomes;
  std::uint64_t stuck = 0;  ///< files whose spool and ledger contradict each other
};

/// Settles finished files in groups, and removes what was kept long enough. Event loop only; disk and ledger
/// work is done by the workers.
class Settling {
 public:
  struct Parts {
    boost::asio::any_io_executor loop;
    Files& disk;
    Workers workers;
    GroupCommit& ledger;
    Recorder& recorder;
    OpenFiles& files;
    Timers& timers;
    Log& log;
    KeepTimes keep;
    Settlement::FreeSpace free_space = {};
  };
  explicit Settling(Parts parts);

  /// Something of the file came to its end: it is settled once nothing is left.
  void file_progressed(FileNumber number);
  /// Until cancelled.
  [[nodiscard]] boost::asio::awaitable<void> run();
  void set_keep(Milliseconds done, Milliseconds rejected);
  void on_settled(std::function<void()> settled) { settled_ = std::move(settled); }
  /// Called when the disk refuses what is to go to done/ or rejected/, or to be removed there.
  void on_refused(std::function<void()> refused) { refused_ = std::move(refused); }
  [[nodiscard]] bool idle() const { return queue_.empty() && !busy_; }
  [[nodiscard]] const SettledTotals& totals() const { return totals_; }

 private:
  using Group = std::shared_ptr<std::vector<Ending>>;
  [[nodiscard]] boost::asio::awaitable<void> settle(std::vector<FileNumber> numbers);
  [[nodiscard]] boost::asio::awaitable<Group> gather(std::vector<FileNumber> numbers);
  [[nodiscard]] boost::asio::awaitable<void> find_tails(Group group);
  [[nodiscard]] boost::asio::awaitable<void> prepare(Group group);
  [[nodiscard]] boost::asio::awaitable<void> publish(Group group);
  /// One group, so that what has ended meanwhile need not wait for all of them.
  [[nodiscard]] boost::asio::awaitable<void> expire();
  void expire_later();
  /// Tries again at once where that makes room on a full disk, else after a while.
  void failed(const SpoolFile& file, const Error& error);
  void delay(const SpoolFile& file, const Error& error);
  void try_later(FileNumber number);
  void note_refused(const Error& error) const;
  void ended(const Ending& ending, std::uint64_t left_behind);
  void refused(const SpoolFile& file);

  Parts parts_;
  Settlement settlement_;
  Expiry expiry_;
  std::unique_ptr<Alarm> alarm_;
  std::deque<FileNumber> queue_;
  std::vector<FileNumber> again_;  ///< could not be settled; tried again later
  BootTime again_at_{};
  BootClock::duration pace_;               ///< to the next of these tries
  std::unordered_set<FileNumber> failed_;  ///< since they were to be settled
  BootTime next_expiry_{};
  ExpiryMark expired_;  ///< what stays is tried again by the next look, and holds up nothing of this one
  BootTime tell_of_kept_at_{};
  std::function<void()> settled_;
  std::function<void()> refused_;
  SettledTotals totals_;
  bool busy_ = false;
};

}  // namespace usherd
