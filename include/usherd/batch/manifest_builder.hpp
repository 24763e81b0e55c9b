#pragma once

#include "usherd/batch/packed_records.hpp"
#include "usherd/ledger/rows.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace usherd {

/// A record made of several: which of a batch's records it replaces, which waiting ones it took in, and its
/// line.
struct MergedRecord {
  std::uint64_t user = 0;
  std::vector<QueuedRecord> sources;  ///< oldest first
  std::string line;
};

/// A batch ready to be frozen: everything of its row but key and digest, what each file has in it, and the
/// bytes of its merged records.
struct DraftBatch {
  Manifest manifest;
  std::vector<std::uint64_t> users;
  std::vector<std::uint64_t> seconds;
  std::vector<std::uint32_t> lengths;  ///< of the operations in body order
  std::vector<std::uint64_t> sums;     ///< likewise; 0 where it is not known until the batch is frozen
  std::vector<Share> shares;
  std::string merged_bytes;
  bool merged_stands = false;  ///< these bytes are durable, and need not be kept
  std::uint64_t body_length = 0;
};

/// Puts records into body order (by file and offset), the merged ones behind them. `numbers` maps the slots
/// of the records to file numbers. Records named as the first source of a merged record must not be in
/// `records`, which is empty afterwards.
[[nodiscard]] DraftBatch build_manifest(PackedRecords& records, std::vector<MergedRecord> merged,
                                        const std::vector<FileNumber>& numbers);

/// What each file has in a manifest, by file number.
[[nodiscard]] std::vector<Share> shares_of(const Manifest& manifest);

/// Length of the body that a manifest frames.
[[nodiscard]] std::uint64_t body_length(const Manifest& manifest);

}  // namespace usherd
