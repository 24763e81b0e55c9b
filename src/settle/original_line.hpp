#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <cstdint>
#include <optional>

namespace usherd {

/// Where a record of the NDJSON that is read stood in the file as it was dropped; nothing where only its
/// place among the records is known, as that file was converted and is settled. Blocking.
[[nodiscard]] Result<std::optional<std::uint64_t>> original_line(Files& files, const SpoolLayout& layout,
                                                                 const SpoolFile& file, std::uint64_t line);

}  // namespace usherd
