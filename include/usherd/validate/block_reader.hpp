#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"
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

/// What one block of lines, or several in a row, held, in the order of the file; every line that is not blank
/// is in one of the two lists.
struct CheckedBlock {
  std::vector<Record> records;
  std::vector<Rejection> rejections;
  std::uint64_t lines = 0;        ///< lines that are not blank
  std::uint64_t next_offset = 0;  ///< where the next block starts
  std::uint64_t next_line = 1;
  bool end = false;  ///< nothing is left before the limit
};

/// Reads NDJSON in blocks of whole lines and checks each line in place against the record rules. One per
/// worker: it owns its buffers and its parser, holds at most about 2.5 MiB of a file, and serves any file.
/// Results do not depend on where the blocks begin and end.
class BlockReader {
 public:
  static constexpr std::size_t kBlockBytes = 256U << 10;

  BlockReader(RecordRules rules, const UserKeys& keys, std::size_t block_bytes = kBlockBytes);
  ~BlockReader();
  BlockReader(BlockReader&&) noexcept;
  BlockReader& operator=(BlockReader&&) noexcept;

  /// Checks the next block of `file` from `offset`, the start of line number `line`, and looks at no byte at
  /// or past `limit`. A last line without newline counts; blank lines are skipped; so is a byte order mark at
  /// offset 0. A line over kMostRecordBytes is one rejection and never held whole. `out` is made anew but
  /// keeps its memory. Errors: those of read_at; corrupt where the file ends before `limit`.
  [[nodiscard]] Result<void> read(ReadFile& file, std::uint64_t offset, std::uint64_t line,
                                  std::uint64_t limit, CheckedBlock& out);

  /// Checks the block behind those that `out` holds, and adds to them. After an error `out` is as it was.
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
  void check_lines(std::size_t bytes, std::uint64_t offset, std::uint64_t line, CheckedBlock& out);
  void check_one(std::string_view text, Record& record, CheckedBlock& out);
  static void keep(std::string_view text, Record& record, CheckedBlock& out);

  std::unique_ptr<PlainRecords> plain_;
  std::unique_ptr<RecordChecker> checker_;
  std::size_t block_bytes_;
  std::vector<char> buffer_;
  std::size_t have_ = 0;
};

}  // namespace usherd
