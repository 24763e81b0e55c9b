#pragma once

#include "src/spool/claim_group.hpp"

#include <cstddef>
#include <vector>

namespace usherd {

/// Accepted files in working/ with numbers above `after`, lowest first, at most a group: checked, synced and
/// ready for a row. What is no plain file goes back to incoming/. For a worker.
[[nodiscard]] Result<std::vector<ClaimItem>> find_orphans(Files& files, const SpoolLayout& layout,
                                                          FileNumber after);

/// Removes derived files of working/ whose file, or whose batch up to `last_batch`, is not open any more. For
/// the ledger's thread.
[[nodiscard]] Result<std::size_t> remove_leftovers(Files& files, const SpoolLayout& layout, Ledger& ledger,
                                                   BatchId last_batch);

}  // namespace usherd
