#pragma once

#include "usherd/core/log.hpp"
#include "usherd/core/units.hpp"
#include "usherd/ports/watch.hpp"
#include "usherd/spool/claim.hpp"
#include "usherd/spool/incoming_scan.hpp"
#include "usherd/spool/stale_submits.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace usherd {

struct IntakeOptions {
  Milliseconds settle{10'000};
  Milliseconds rescan{15'000};
  std::uint64_t min_free = std::uint64_t{256} << 20;
  std::function<Result<std::uint64_t>()> free_bytes =
      {};                                           ///< runs on a worker; empty: asks the spool's file system
  std::function<Result<void>()> keep_back = {};     ///< the same: makes the reserve, before anything is taken
  BatchId last_batch = 0;                           ///< the highest of earlier runs
  std::size_t look_most = ScanOptions::kMostFiles;  ///< files of incoming/ that one look holds
  std::size_t remember_most = SettleWatch::kMostWatched;  ///< files that a drain knows by name and inode
};

struct DrainReport {
  static constexpr std::size_t kMostNamed = 1000;

  std::size_t accepted = 0;
  std::vector<LeftFile> left;  ///< the first kMostNamed of them
  std::uint64_t left_count = 0;
};

/// Takes what is dropped in incoming/: at once what the watch announces, after settling what a rescan finds.
/// Parks by itself while the disk is too full or the ledger cannot be written, and tries again at each
/// rescan. All that it is given must outlive it, and so must the workers' last job. Event loop only; run() or
/// take_present(), not both.
class Intake {
 public:
  Intake(IntakeOptions options, SpoolLayout layout, Files& files, Watch* watch, Timers& timers,
         Workers workers, GroupCommit& commits, Log& log, std::function<void()> on_accepted);

  /// Until stop(). Returns between two groups, so that nothing is left half taken.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Takes every visible file that is there when it starts, waiting for those that settle and for room on the
  /// disk. What came later or cannot be read is left and named. stop() ends it early.
  [[nodiscard]] boost::asio::awaitable<Result<DrainReport>> take_present();
  /// After take_present(): what stands in incoming/ now.
  [[nodiscard]] boost::asio::awaitable<Result<DrainReport>> left_behind();
  void stop();
  /// The last thing, when nothing is taken any more: the spool learns how far the ledger has come.
  [[nodiscard]] boost::asio::awaitable<void> conclude() { return claimer_.remember(true); }
  /// Called when it parks.
  void on_parked(std::function<void()> parked) { on_parked_ = std::move(parked); }

  /// What has ended could not go to done/ or rejected/: before anything else is taken all folders are tried.
  void doubt_folders() { doubts_ = true; }

  /// The options of a reloaded configuration; free_bytes stays.
  void reload(Milliseconds settle, Milliseconds rescan, std::uint64_t min_free);

  /// Why nothing is taken in (the `disk` reason); nothing while all is well.
  [[nodiscard]] const std::optional<std::string>& parked() const { return parked_; }
  /// Parked as less than min_free is free, and for nothing else.
  [[nodiscard]] bool is_short_of_room() const { return parked_ && short_of_room_; }
  /// Since when; means something only while it is parked.
  [[nodiscard]] BootTime parked_since() const { return parked_since_; }
  /// Files that stay in incoming/ until somebody acts, each logged once; at most kMostLeft.
  [[nodiscard]] std::vector<LeftFile> left() const;
  /// How many stay in all, as of the last rescan, those that are not named counted in; of those that could be
  /// tried kMostCounted.
  [[nodiscard]] LeftCounts left_counts() const;
  /// Files accepted since the start.
  [[nodiscard]] std::size_t accepted_files() const { return total_accepted_; }
  /// Room on the spool's file system when it was last asked.
  [[nodiscard]] std::uint64_t last_free_bytes() const { return last_free_; }

  static constexpr std::size_t kMostLeft = 100;
  static constexpr std::size_t kMostCounted = 32768;
  static constexpr std::size_t kMostAnnounced = 16384;

 private:
  struct Present;
  [[nodiscard]] boost::asio::awaitable<void> pump();
  [[nodiscard]] boost::asio::awaitable<void> work();
  [[nodiscard]] boost::asio::awaitable<void> turn();
  [[nodiscard]] boost::asio::awaitable<void> take_announced();
  [[nodiscard]] boost::asio::awaitable<void> take_due();
  [[nodiscard]] boost::asio::awaitable<void> scan();
  [[nodiscard]] boost::asio::awaitable<void> review_left();
  /// What `submit` left in incoming/ when it was killed goes away.
  [[nodiscard]] boost::asio::awaitable<void> remove_stale(std::vector<SeenFile> submits);
  [[nodiscard]] boost::asio::awaitable<bool> make_room();
  /// Names what cannot be taken; false, and parked, when it is the folder that is closed and no file is to
  /// blame.
  [[nodiscard]] boost::asio::awaitable<bool> note_odd(const ScanPage& page);
  /// Oldest first; false when the rest must wait.
  [[nodiscard]] boost::asio::awaitable<bool> claim(std::vector<SeenFile> files);
  [[nodiscard]] boost::asio::awaitable<std::vector<SeenFile>> look(std::vector<std::string> names);
  [[nodiscard]] boost::asio::awaitable<Result<ScanPage>> scan_page(ScanOptions options);
  /// Below min_free only taking in stops: a drain that has nothing to take has no room to wait for.
  [[nodiscard]] boost::asio::awaitable<bool> is_short_for_nothing(std::shared_ptr<Present> present);
  [[nodiscard]] boost::asio::awaitable<bool> drain_turn(std::shared_ptr<Present> present);

  void announce(WatchBatch batch);
  void accepted(std::size_t files, std::uint64_t bytes);
  void park(const Error& error);
  void unpark();
  void note_left(const std::vector<LeftFile>& left);
  void count_tried(const std::vector<LeftFile>& left);
  [[nodiscard]] BootTime next_turn();

  IntakeOptions options_;
  SpoolLayout layout_;
  Files& files_;
  Watch* watch_;
  Timers& timers_;
  Workers workers_;
  Log& log_;
  std::function<void()> on_accepted_;
  std::function<void()> on_parked_;
  Claimer claimer_;
  SettleWatch settle_;
  std::unique_ptr<Alarm> alarm_;
  std::vector<std::string> announced_;
  std::optional<SeenFile> scanned_to_;  ///< where the next page of a large folder starts
  /// Until then announced files wait: what was dropped before a start, or unseen since, settles, and is
  /// older. Nothing: a look is to come first.
  std::optional<BootTime> announced_from_;
  BootTime next_scan_{};
  BootTime next_try_{};
  std::optional<std::string> parked_;
  BootTime parked_since_{};
  bool short_of_room_ = false;
  bool locked_out_ =
      false;  ///< parked, as folders are closed to usherd or gone: only a trial tells when they are not
  bool keeps_ = false;   ///< locked out, as incoming/ gives out nothing that others dropped
  bool doubts_ = false;  ///< likewise, until a trial has passed
  std::map<std::string, LeftFile> left_;
  LeftCounts odd_;  ///< by the last rescan
  /// Hashes of names that could be tried and not be taken.
  std::unordered_map<std::size_t, LeftReason> tried_;
  StaleSubmits stale_;
  std::vector<LeftFile> just_left_;  ///< by the last claim()
  std::shared_ptr<Present> present_;
  bool left_overflow_ = false;
  std::uint64_t last_free_ = 0;
  std::size_t total_accepted_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
};

}  // namespace usherd
