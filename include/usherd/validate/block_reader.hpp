#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/validate/block_pool.hpp"
#include "usherd/validate/checked_records.hpp"
#include "usherd/validate/record.hpp"
#include "usherd/validate/user_keys.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace usherd {

class PlainRecords;
class RecordChecker;

/// The bytes of a block of whole lines, which stayed in memory. A comma stands behind each good record, where
/// the file has its newline or ends.
struct BlockBytes {
  BlockPool::Block bytes;    ///< null: they did not stay
  std::uint64_t offset = 0;  ///< of its first byte in the file
  std::uint64_t end = 0;     ///< where the next block begins
};

/// What one block of lines, or several in a row, held, in the order of the file; every line that is not blank
/// is in one of the two lists.
struct CheckedBlock {
  /// So many at most: a file of rubbish has one in every second byte, and each takes hundreds of bytes.
  static constexpr std::size_t kMostRejections = 4096;

  CheckedRecords records;
  std::vector<Rejection> rejections;
  std::vector<BlockBytes> blocks;  ///< in which the records stand
  std::uint64_t lines = 0;         ///< lines that are not blank
  std::uint64_t next_offset = 0;   ///< where the next block starts
  std::uint64_t next_line = 1;
  bool end = false;  ///< nothing is left before the limit

  /// What comes next must be read into another.
  [[nodiscard]] bool is_full() const { return rejections.size() >= kMostRejections; }
};

/// What is said of a line of `length` bytes, over kMostRecordBytes.
[[nodiscard]] Rejection record_too_large(std::uint64_t offset, std::uint64_t line, std::uint64_t length);

/// Reads NDJSON in blocks of whole lines and checks each line in place against the record rules. One per
/// worker: it owns its buffers and its parser, holds at most about 2.5 MiB of a file, and serves any file.
/// Results do not depend on where the blocks begin and end.
class BlockReader {
 public:
  static constexpr std::size_t kBlockBytes = 256U << 10;
  /// What a block of a pool must have: the parser looks a little beyond the end.
  static constexpr std::size_t kPooledBytes = kBlockBytes + 64;

  /// `pool` gives the memory of blocks that are to stay, as long as it has some; it may be null, and must
  /// outlive the reader.
  BlockReader(RecordRules rules, const UserKeys& keys, std::size_t block_bytes = kBlockBytes,
              BlockPool* pool = nullptr);
  ~BlockReader();
  BlockReader(BlockReader&&) noexcept;
  BlockReader& operator=(BlockReader&&) noexcept;

  /// Checks the next block of `file` from `offset`, the start of line number `line`, and looks at no byte at
  /// or past `limit`. A last line without newline counts; blank lines are skipped; so is a byte order mark at
  /// offset 0. A line over kMostRecordBytes is one rejection and never held whole. `out` is made anew but
  /// keeps its memory. Errors: those of read_at; corrupt where the file ends before `limit`.
  [[nodiscard]] Result<void> read(ReadFile& file, std::uint64_t offset, std::uint64_t line,
                                  std::uint64_t limit, CheckedBlock& out);

  /// Checks the block behind those that `out` holds, and adds to them; nothing where that is full. After an
  /// error `out` is as it was.
  [[nodiscard]] Result<void> read_on(ReadFile& file, std::uint64_t limit, CheckedBlock& out);

  /// Checks one line held in memory, without its newline: nothing when it is a good record, which `record`
  /// then receives. A blank line is a rejection here. `offset` and `number` are only passed on.
  [[nodiscard]] std::optional<Rejection> check_line(std::string_view line, std::uint64_t offset = 0,
                                                    std::uint64_t number = 1, Record* record = nullptr);

 private:
  [[nodiscard]] Result<void> fill(ReadFile& file, std::uint64_t offset, std::size_t until);
  [[nodiscard]] Result<void> skip_long_line(ReadFile& file, std::uint64_t offset, std::uint64_t line,
                                            std::uint64_t limit, CheckedBlock& out);
  [[nodiscard]] std::size_t mark_length(std::uint64_t offset) const;
  [[nodiscard]] std::size_t check_lines(std::size_t bytes, std::uint64_t offset, std::uint64_t line,
                                        CheckedBlock& out);
  void check_one(char* line, std::size_t length, Record& record, CheckedBlock& out);
  void keep(char* line, std::size_t length, Record& record, CheckedBlock& out);

  std::unique_ptr<PlainRecords> plain_;
  std::unique_ptr<RecordChecker> checker_;
  std::size_t block_bytes_;
  BlockPool* pool_;
  BlockPool::Block lent_;     // of the pool, while a block is read
  std::vector<char> buffer_;  // for all that the pool has no memory for
  char* bytes_ = nullptr;     // the block that is read: one of these two
  std::size_t have_ = 0;
};

}  // namespace usherd
