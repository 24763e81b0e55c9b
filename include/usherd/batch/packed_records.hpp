#pragma once

#include "usherd/batch/queued_record.hpp"
#include "usherd/ledger/manifest.hpp"
#include "usherd/validate/record_columns.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace usherd {

/// The records of a batch in columns, as its ledger row wants them, with neighbours of a file in one run. In
/// the order of adding. Pure.
class PackedRecords {
 public:
  void reserve(std::size_t records) { columns_.reserve(records); }
  void add(const Record& record, std::uint32_t file) {
    extend_run(file, record.offset, record.line, 1, record.length + 1ULL);
    columns_.push_back(record);
  }
  /// Neighbours of a file: `count` of these records, from `first` on, which take `bytes` with their newlines.
  struct Stretch {
    const RecordColumns& records;
    std::size_t first = 0;
    std::size_t count = 0;
    std::uint64_t offset = 0;
    std::uint64_t line = 0;
    std::uint64_t bytes = 0;
  };
  void add(const Stretch& stretch, std::uint32_t file) {
    extend_run(file, stretch.offset, stretch.line, stretch.count, stretch.bytes);
    columns_.append(stretch.records, stretch.first, stretch.count);
  }
  /// Takes those at `positions`, which ascend, out in one pass.
  void remove(std::span<const std::size_t> positions);

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const { return columns_.size(); }
  [[nodiscard]] std::uint64_t user(std::size_t position) const { return columns_.users[position]; }
  [[nodiscard]] std::uint8_t flags(std::size_t position) const { return columns_.flags[position]; }
  /// Those at `positions`, which ascend.
  [[nodiscard]] std::vector<QueuedRecord> at(std::span<const std::size_t> positions) const;
  [[nodiscard]] std::vector<QueuedRecord> all() const;

  /// What a manifest and its row are made of, one entry a record in body order (by file and offset).
  struct Sorted {
    std::vector<Run> runs;
    std::vector<std::uint64_t> users;
    std::vector<std::uint64_t> seconds;  ///< empty where no record has a second key
    std::vector<std::uint32_t> lengths;
    std::vector<std::uint64_t> sums;
  };
  /// Gives all of it away. `numbers` maps the slots of the records to file numbers.
  [[nodiscard]] Sorted take_sorted(std::span<const FileNumber> numbers);

 private:
  /// As in a manifest, but the file is a slot, and the length is what its entries in the columns add up to.
  struct SlotRun {
    std::uint64_t offset = 0;
    std::uint64_t line = 0;
    std::uint32_t file = 0;
    std::uint32_t records = 0;
  };

  static constexpr std::uint32_t kNoFile = ~0U;

  void extend_run(std::uint32_t file, std::uint64_t offset, std::uint64_t line, std::size_t records,
                  std::uint64_t bytes) {
    if (file != last_file_ || offset != next_offset_ || line != next_line_)
      runs_.push_back({offset, line, file, 0});
    runs_.back().records += static_cast<std::uint32_t>(records);
    last_file_ = file;
    next_offset_ = offset + bytes;
    next_line_ = line + records;
  }
  void reorder(std::span<const FileNumber> numbers);
  [[nodiscard]] std::vector<Run> manifest_runs(std::span<const FileNumber> numbers) const;
  /// Calls visit(position, QueuedRecord) for each; stops once it says false.
  template <class Visit>
  void walk(Visit visit) const;

  RecordColumns columns_;
  std::vector<SlotRun> runs_;
  std::uint64_t next_offset_ = 0;  ///< behind the last record and its newline
  std::uint64_t next_line_ = 0;
  std::uint32_t last_file_ = kNoFile;
};

}  // namespace usherd
