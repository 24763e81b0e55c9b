#pragma once

#include "usherd/admin/tally.hpp"
#include "usherd/app/block_room.hpp"
#include "usherd/app/file_conversion.hpp"
#include "usherd/app/file_reading.hpp"
#include "usherd/batch/batcher.hpp"
#include "usherd/batch/coverage.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/core/log.hpp"
#include "usherd/ports/event.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/ports/workers.hpp"
#include "usherd/submit/recorder.hpp"
#include "usherd/validate/block_reader.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace usherd {

/// Reads the accepted files one after the other, in order of their numbers, and hands their records to the
/// batcher. Skips what batches hold already. No more than `open_files` are open at once: with that many, the
/// next one waits in the ledger until one is settled. Event loop only; the reading itself is done by the
/// workers.
class FileFeed {
 public:
  struct Parts {
    boost::asio::any_io_executor loop;
    TaskGroup& tasks;
    GroupCommit& ledger;
    Recorder& recorder;
    OpenFiles& files;
    Batcher& batcher;
    Files& disk;
    Workers workers;
    Log& log;
    RecordRules rules;
    ConvertLimits convert;
    const UserKeys& keys;
    Timers& timers;
    Tally& tally;
    std::size_t sessions;
    std::function<void(FileNumber)> on_read;  ///< everything of the file was read, or it is refused
    /// Half a kilobyte each. Far more records than this are on their way only in files of one record.
    std::size_t open_files = 32'768;
  };
  explicit FileFeed(Parts parts);
  ~FileFeed();

  /// Reads files as they come until stop(). Call recover() first.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// Hands records that must go by themselves to the batcher again; run() those that cannot be read yet.
  [[nodiscard]] boost::asio::awaitable<Result<void>> recover();
  void files_arrived();
  /// Called when there is nothing left to read.
  void on_idle(std::function<void()> idle) { on_idle_ = std::move(idle); }
  /// No more files will come: once all are read, what is packed goes out without lingering.
  void intake_ended();
  void stop();
  /// For what is read from now on.
  void set_rules(RecordRules rules);
  /// How many may send bodies at once.
  void set_sessions(std::size_t sessions) { parts_.sessions = sessions; }
  /// For conversions that begin from now on.
  void set_convert_limits(ConvertLimits limits) { conversion_.set_limits(std::move(limits)); }
  /// Every file that was accepted when files_arrived() was last called has been read.
  [[nodiscard]] bool is_idle() const { return idle_; }
  /// The file whose reading began last: all up to it are open or settled, those after it wait in the ledger.
  [[nodiscard]] FileNumber begun() const { return begun_; }
  /// The one whose turn came last: beyond begun() while it is being converted.
  [[nodiscard]] FileNumber next() const { return next_; }
  /// Accepted files that are not where they should be, or cannot be read; they stay unfinished.
  [[nodiscard]] std::size_t unreadable() const { return unreadable_; }

 private:
  /// `next`: to be converted meanwhile; none where it is not known yet.
  [[nodiscard]] boost::asio::awaitable<bool> read_file(SpoolFile file, const SpoolFile* next);
  [[nodiscard]] boost::asio::awaitable<bool> wait_for_place(const SpoolFile& file);
  [[nodiscard]] boost::asio::awaitable<bool> read_blocks(std::uint32_t slot, const Coverage& coverage);
  [[nodiscard]] boost::asio::awaitable<Result<Coverage>> coverage_of(const SpoolFile& file);
  [[nodiscard]] std::optional<FileReading::Stretch> next_stretch(std::uint32_t slot,
                                                                 const Coverage& coverage);
  [[nodiscard]] boost::asio::awaitable<bool> checkpoint(std::uint32_t slot, FileReading& reading);
  /// An error where the disk does not give the record now.
  [[nodiscard]] boost::asio::awaitable<Result<void>> place_single(Run run);
  [[nodiscard]] boost::asio::awaitable<bool> place_late_singles();
  [[nodiscard]] BlockReader make_reader();
  void note_unreadable(const SpoolFile& file, const Error& error);

  Parts parts_;
  FileConversion conversion_;
  BlockRoom blocks_;
  BlockReader reader_;
  FileReading::Piece piece_;
  Event arrived_;
  Event closed_;
  std::function<void()> on_idle_;
  std::vector<Run> late_;  ///< that must go by themselves and could not be read at the start
  FileNumber begun_ = 0;
  FileNumber next_ = 0;
  std::size_t unreadable_ = 0;
  bool rules_changed_ = false;
  bool news_ = true;
  bool intake_ended_ = false;
  bool idle_ = false;
  bool stopping_ = false;
};

}  // namespace usherd
