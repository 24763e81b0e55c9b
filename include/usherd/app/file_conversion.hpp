#pragma once

#include "usherd/core/log.hpp"
#include "usherd/ports/event.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/ports/task_group.hpp"
#include "usherd/ports/workers.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/submit/recorder.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstdint>
#include <optional>

namespace usherd {

/// Makes accepted files readable and tells the ledger so: the one that is wanted now, and one ahead of it in
/// the background, as the reading of a file leaves time for the conversion of the next. Event loop only; the
/// conversion itself is done by the workers.
class FileConversion {
 public:
  struct Parts {
    boost::asio::any_io_executor loop;
    TaskGroup& tasks;
    Recorder& recorder;
    Files& disk;
    Workers workers;
    const SpoolLayout& layout;
    ConvertLimits limits;
  };
  enum class End : std::uint8_t {
    done,     ///< ready or refused, as the file says now
    missing,  ///< it is not where it should be: error() says more
    stopping,
  };
  explicit FileConversion(Parts parts);

  /// Begins with a file that finish() will be asked for, unless another one has been begun. Trouble that it
  /// meets is left to finish().
  void begin(const SpoolFile& file);
  /// Whether the file is readable by then is its state. Waits while the disk is full.
  [[nodiscard]] boost::asio::awaitable<End> finish(SpoolFile& file);
  [[nodiscard]] const Error& error() const { return error_; }
  /// For conversions that begin from now on.
  void set_limits(ConvertLimits limits) { parts_.limits = std::move(limits); }
  /// What is under way ends soon, and nothing is begun.
  void stop() { stopping_ = true; }

 private:
  /// Of one try: false when we are stopping.
  using Outcome = Result<bool>;
  struct Ahead {
    SpoolFile file;
    std::optional<Outcome> outcome;  ///< nothing while it is under way
  };
  [[nodiscard]] boost::asio::awaitable<Outcome> attempt(SpoolFile& file);
  [[nodiscard]] boost::asio::awaitable<void> go_ahead();
  [[nodiscard]] boost::asio::awaitable<Outcome> first_attempt(SpoolFile& file);

  Parts parts_;
  Event ended_;
  std::optional<Ahead> ahead_;
  Error error_;
  std::atomic<bool> stopping_{false};
};

}  // namespace usherd
