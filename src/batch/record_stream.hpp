#pragma once

#include "usherd/batch/body_digest.hpp"
#include "usherd/batch/record_sum.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace usherd {

/// Tells the records in bytes that come piece by piece, sums them up into a digest, and makes commas of the
/// newlines between them. Holds one record at most.
class RecordStream {
 public:
  /// Each sum is also added to `sums`, unless that is null. Where the records' lengths are `known` their ends
  /// are looked at first; it must outlive the stream, and may be empty or wrong.
  RecordStream(std::vector<std::uint64_t>* sums, std::span<const RecordSum> known)
      : sums_(sums), known_(known) {}

  void update(std::span<char> piece);
  /// A record ends here without a newline.
  void end_record() { end_record_with({}); }
  /// Of the records that have ended.
  [[nodiscard]] Digest digest() { return digest_.value(); }

 private:
  [[nodiscard]] char* find_newline(std::span<char> piece) const;
  void end_record_with(std::span<const char> rest);

  std::vector<std::uint64_t>* sums_;
  std::span<const RecordSum> known_;  ///< of those that have not ended
  BodyDigest digest_;
  std::string begun_;  ///< the part that has come of a record that goes on
};

}  // namespace usherd
