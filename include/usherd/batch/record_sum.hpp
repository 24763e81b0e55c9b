#pragma once

#include <cstdint>

namespace usherd {

/// What one operation of a batch looked like when the batch was frozen. The batch's digest says that its
/// files changed; these say which records did, as long as the process that froze it lives.
struct RecordSum {
  std::uint32_t length = 0;
  std::uint32_t sum = 0;  ///< half of its record_sum()

  friend bool operator==(const RecordSum&, const RecordSum&) = default;
};

}  // namespace usherd
