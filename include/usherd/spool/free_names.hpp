#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <span>
#include <string>
#include <vector>

namespace usherd {

/// For each wanted name one that nothing in the spool bears or is derived from, and no other of these:
/// itself, or with a number. What is dropped under it keeps it. Blocks; for the ledger's thread.
[[nodiscard]] Result<std::vector<std::string>> free_names(Files& files, const SpoolLayout& layout,
                                                          Ledger& ledger,
                                                          std::span<const std::string> wanted);

}  // namespace usherd
