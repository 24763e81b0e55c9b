#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace usherd {

// For a doctor that meets a spool or a state directory, and not what belongs to it. They look at the disk.

[[nodiscard]] bool holds_ledger(const std::string& state);

/// Of a spool that was used with a state the folder working/ was removed.
[[nodiscard]] bool has_lost_working(Files& disk, const SpoolLayout& layout, const std::string& state);

/// How many files a state with a ledger knows as unfinished; nothing when it never knew any. Call it under
/// the lock of the state. Errors: the ledger's.
[[nodiscard]] Result<std::optional<std::uint64_t>> unfinished_files(const std::string& state);

/// Makes the directory for usherd alone: its owner is that of `model`, as far as the process may set it.
[[nodiscard]] Result<void> make_private_like(const std::string& directory, const std::string& model);

}  // namespace usherd
