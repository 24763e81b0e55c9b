#pragma once

#include "usherd/batch/operations.hpp"
#include "usherd/batch/record_sum.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace usherd {

/// Of operations with these lengths and sums.
[[nodiscard]] std::vector<RecordSum> record_sums(std::span<const std::uint32_t> lengths,
                                                 std::span<const std::uint64_t> sums);

/// Which operations are not what `sums` says, or are not where they were. Errors: the disk's; a file that is
/// gone or too short is a change of its records.
[[nodiscard]] Result<std::vector<bool>> find_changed(Operations& operations, std::span<const RecordSum> sums);

}  // namespace usherd
