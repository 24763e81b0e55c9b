#pragma once

#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/operations.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// What one operation of a batch looked like when the batch was frozen. The batch's digest says that its
/// files changed; these say which records did, as long as the process that froze it lives.
struct RecordSum {
  std::uint32_t length = 0;
  std::uint32_t sum = 0;  ///< of its bytes

  friend bool operator==(const RecordSum&, const RecordSum&) = default;
};

[[nodiscard]] std::uint32_t sum_of(std::string_view bytes);

/// Reckons the sums of a body's operations while it is read front to back. Pure; holds one operation at most.
class SumReckoner {
 public:
  /// `lengths` of the operations in body order; must outlive it.
  explicit SumReckoner(std::span<const std::uint32_t> lengths);
  void update(std::span<const char> piece);
  /// Of the operations that were seen whole.
  [[nodiscard]] std::vector<RecordSum> take() { return std::move(sums_); }

 private:
  std::span<const std::uint32_t> lengths_;
  std::vector<RecordSum> sums_;
  std::string partial_;
  std::size_t skip_;  // framing bytes before the next operation
};

/// Which operations are not what `sums` says, or are not where they were. Errors: the disk's; a file that is
/// gone or too short is a change of its records.
[[nodiscard]] Result<std::vector<bool>> find_changed(Operations& operations, std::span<const RecordSum> sums);

}  // namespace usherd
