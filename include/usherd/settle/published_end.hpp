#pragma once

#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <optional>
#include <string>
#include <vector>

namespace usherd {

/// How a file ended, as its receipt in done/ or its refusal in rejected/ tells.
struct PublishedEnd {
  bool refused = false;
  std::string code;     ///< of a refused one
  std::string message;  ///< of a refused one
  std::uint64_t records = 0;
  Outcomes outcomes;
  WallTime finished{};
  std::vector<ReceiptBatch> batches;
};

/// Whether a file that has left working/ was published by a state that knew more than this ledger: its
/// receipt or refusal stands, and the ledger could not have written it. A settlement that a crash cut short
/// is none of these.
[[nodiscard]] Result<bool> ended_elsewhere(Files& files, const SpoolLayout& layout, Ledger& ledger,
                                           const SpoolFile& file);
/// Errc::corrupt, naming the first such file and what to do, where there is one: the state is a copy from
/// before. Costs a look at the disk for each open file.
[[nodiscard]] Result<void> refuse_older_state(Files& files, const SpoolLayout& layout, Ledger& ledger);
/// Nothing where neither stands for this very file; Errc::corrupt where it cannot be understood.
[[nodiscard]] Result<std::optional<PublishedEnd>> read_published_end(Files& files, const SpoolLayout& layout,
                                                                     const SpoolFile& file);

}  // namespace usherd
