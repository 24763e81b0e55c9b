#pragma once

#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/ports/workers.hpp"
#include "usherd/settle/local_rejects.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/submit/recorder.hpp"
#include "usherd/validate/block_reader.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace usherd {

/// Reads one accepted file piece after piece, on the workers, and writes the reject lines of the local rules.
/// One piece at a time; what it refers to must outlive it. Event loop only.
class FileReading {
 public:
  struct Parts {
    Recorder& recorder;
    Files& disk;
    Workers workers;
    const SpoolLayout& layout;
    BlockReader& reader;
  };
  /// Lines between what other batches hold.
  struct Stretch {
    ReadMark at;
    std::uint64_t limit = 0;  ///< nothing at or past it is read
  };
  struct Piece {
    CheckedBlock block;
    ReadMark after;
  };
  enum class End : std::uint8_t {
    read,
    unreadable,  ///< error() says why
    stopping,
  };

  /// Read in one go: a way to a worker and back costs as much as fifty records.
  static constexpr int kBlocksAtOnce = 4;

  FileReading(Parts parts, SpoolFile file);

  /// Several blocks from the start of `stretch`. Waits while the disk is full.
  [[nodiscard]] boost::asio::awaitable<End> read(Stretch stretch, Piece& piece);
  /// Makes the reject lines durable; false when we are stopping. Where the disk fails to, they are written
  /// anew: Linux tells once that it lost what it was to write, and takes the next sync for a success. The
  /// reader's rules must be those by which the pieces were read.
  [[nodiscard]] boost::asio::awaitable<bool> sync();
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  [[nodiscard]] Result<void> read_now(const Stretch& stretch, Piece& piece);
  [[nodiscard]] Result<void> reject_again(std::uint64_t length);

  Parts parts_;
  SpoolFile file_;
  LocalRejects rejects_;
  std::shared_ptr<ReadFile> source_;
  /// Pieces since the last sync that brought reject lines.
  std::vector<Stretch> unsynced_;
  Error error_;
};

}  // namespace usherd
