#pragma once

#include "usherd/validate/record_columns.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace usherd {

/// The good records of a stretch of a file, in its order: in columns, and in runs of lines with no other
/// between them.
class CheckedRecords {
 public:
  struct Run {
    std::uint64_t offset =
        0;                   ///< of the first record; each other begins behind the newline of the one before
    std::uint64_t line = 0;  ///< of the first record
    std::size_t records = 0;
  };

  void add(const Record& record) {
    if (runs_.empty() || record.line != next_line_ || record.offset != next_offset_)
      runs_.push_back({record.offset, record.line, 0});
    ++runs_.back().records;
    next_line_ = record.line + 1;
    next_offset_ = record.offset + record.length + 1;
    columns_.push_back(record);
  }
  void clear();

  [[nodiscard]] bool empty() const { return columns_.size() == 0; }
  [[nodiscard]] std::size_t size() const { return columns_.size(); }
  [[nodiscard]] const RecordColumns& columns() const { return columns_; }
  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }
  [[nodiscard]] std::vector<Record> all() const;

 private:
  RecordColumns columns_;
  std::vector<Run> runs_;
  std::uint64_t next_line_ = 0;
  std::uint64_t next_offset_ = 0;
};

}  // namespace usherd
