#pragma once

#include "usherd/ledger/rows.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace usherd {

/// How far one open file has come: what was read, what is frozen, what has ended. Pure.
class FileProgress {
 public:
  explicit FileProgress(const SpoolFile& file) : read_(file.mark), mark_(file.mark) {}

  /// A block was read up to `after`, holding `accepted` records that are not frozen yet.
  void block_read(const ReadMark& after, std::uint64_t accepted);
  /// The record at `offset` was frozen into a batch, durably.
  void frozen(std::uint64_t offset) { frozen(offset, std::array<std::uint32_t, 1>{}); }
  /// The same of records that stand one behind the other from `offset` on, with these lengths.
  void frozen(std::uint64_t offset, std::span<const std::uint32_t> lengths);
  /// The record at `offset` was frozen before and will be once more: a source of a merged record that was
  /// taken apart. Comes before frozen(), which would count it twice.
  void freezes_again(std::uint64_t offset);
  /// Records found frozen in the ledger: they were read before.
  void found_frozen(std::uint64_t records) { pending_ += records; }
  /// Records of the file that had their outcome.
  void ended(std::uint64_t records) { pending_ -= records; }
  void reached_end() { at_end_ = true; }

  /// Where the reader stands.
  [[nodiscard]] const ReadMark& read() const { return read_; }
  /// The place from which a restart would have to read.
  [[nodiscard]] const ReadMark& mark() const { return mark_; }
  [[nodiscard]] bool at_end() const { return at_end_; }
  /// Records accepted by the rules and without outcome.
  [[nodiscard]] std::uint64_t pending() const { return pending_; }
  /// Everything read, everything ended.
  [[nodiscard]] bool finished() const { return at_end_ && pending_ == 0; }

 private:
  struct Block {
    ReadMark after;
    std::uint64_t waiting = 0;
  };
  /// The block that holds the offset, or blocks_.end(); past the mark only.
  [[nodiscard]] std::vector<Block>::iterator block_of(std::uint64_t offset);
  void advance();

  // Most files have one block or two, and there may be many files.
  std::vector<Block> blocks_;
  std::size_t first_ = 0;  ///< of the blocks that wait; those before it are done with
  ReadMark read_;
  ReadMark mark_;
  std::uint64_t pending_ = 0;
  bool at_end_ = false;
};

}  // namespace usherd
