#pragma once

#include "usherd/batch/operations.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace usherd {

/// What one operation of a batch looked like when the batch was frozen. The batch's digest says that its
/// files changed; these say which records did, as long as the process that froze it lives.
struct RecordSum {
  std::uint32_t length = 0;
  std::uint32_t sum = 0;  ///< half of its record_sum()

  friend bool operator==(const RecordSum&, const RecordSum&) = default;
};

/// Of operations with these lengths and sums.
[[nodiscard]] std::vector<RecordSum> record_sums(std::span<const std::uint32_t> lengths,
                                                 std::span<const std::uint64_t> sums);

/// Which operations are not what `sums` says, or are not where they were. Errors: the disk's; a file that is
/// gone or too short is a change of its records.
[[nodiscard]] Result<std::vector<bool>> find_changed(Operations& operations, std::span<const RecordSum> sums);

}  // namespace usherd
