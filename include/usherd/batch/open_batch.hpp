#pragma once

#include "usherd/batch/packed_records.hpp"
#include "usherd/batch/user_order.hpp"
#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"
#include "usherd/validate/block_reader.hpp"

#include <cstdint>
#include <vector>

namespace usherd {

/// How large a batch may become.
struct BatchLimits {
  std::uint32_t records = 5000;
  std::uint64_t bytes = 8U << 20;
  Milliseconds linger{1000};
};

/// Bytes of a body besides its records: {"requests":[ and ]}.
inline constexpr std::uint64_t kFramingBytes = 15;

/// A batch while it still grows: positions, and the blocks in which they stand as long as all of these stayed
/// in memory. Pure.
class OpenBatch {
 public:
  explicit OpenBatch(UserOrder::Holder holder) : holder_(holder) {}

  [[nodiscard]] UserOrder::Holder holder() const { return holder_; }
  /// Whether a record of `length` bytes still fits behind `more` others that take `bytes` with their commas;
  /// a batch takes at least one record, whatever its size.
  [[nodiscard]] bool fits(std::uint32_t length, const BatchLimits& limits, std::size_t more = 0,
                          std::uint64_t bytes = 0) const {
    const auto records = records_.size() + more;
    return records == 0 || (records < limits.records && body_bytes() + bytes + length + 1 <= limits.bytes);
  }
  /// Comes before the first record: when it is added, and how many there may be.
  void begin(std::size_t most, BootTime now);
  void add(const Record& record, std::uint32_t file) {
    records_.add(record, file);
    has_singles_ |= (record.flags & kSingle) != 0;
    bytes_ += record.length + 1ULL;
  }
  /// Of records that were read, none of which goes by itself.
  void add(const PackedRecords::Stretch& stretch, std::uint32_t file) {
    records_.add(stretch, file);
    bytes_ += stretch.bytes;
  }
  /// Notes in which block of its file a record stands that was added.
  void keep(std::uint32_t file, const BlockBytes& block) {
    // Most stand in the same one as the record before.
    if (keeps_ && (last_kept_ == nullptr || block.bytes.get() != last_kept_))
      keep_next(file, block);
  }
  /// Where the records stand that came with their blocks; none where one of those did not stay in memory.
  struct Kept {
    std::uint32_t file = 0;  ///< its slot
    BlockBytes block;
  };
  [[nodiscard]] std::vector<Kept> take_kept();
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }
  /// Notes that records of a user in this batch wait behind it and might be merged into it.
  void add_merge_candidate(std::uint64_t key) { merge_candidates_.push_back(key); }

  [[nodiscard]] bool empty() const { return records_.empty(); }
  [[nodiscard]] std::uint64_t records() const { return records_.size(); }
  [[nodiscard]] std::uint64_t body_bytes() const { return bytes_ + kFramingBytes; }
  /// Whether a record in it goes by itself.
  [[nodiscard]] bool has_singles() const { return has_singles_; }
  /// When its oldest record has waited for `linger`.
  [[nodiscard]] BootTime due(const BatchLimits& limits) const { return first_ + limits.linger; }

  [[nodiscard]] PackedRecords& packed() { return records_; }
  [[nodiscard]] const std::vector<std::uint64_t>& merge_candidates() const { return merge_candidates_; }

 private:
  void keep_next(std::uint32_t file, const BlockBytes& block);

  UserOrder::Holder holder_;
  PackedRecords records_;
  std::vector<std::uint64_t> merge_candidates_;
  std::vector<Kept> kept_;
  const char* last_kept_ = nullptr;
  bool keeps_ = true;
  bool has_singles_ = false;
  std::uint64_t bytes_ = 0;
  BootTime first_{};
};

}  // namespace usherd
