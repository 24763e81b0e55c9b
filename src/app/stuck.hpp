#pragma once

#include "src/app/daemon_parts.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// Why an accepted file cannot go on as the disk is, and what comes next, in a sentence; nothing where the
/// disk does not stand in its way.
[[nodiscard]] std::optional<std::string> why_stuck(const DaemonParts& parts, const OpenFiles::Entry& entry);
/// Of one that is not open: it may be converted just now.
[[nodiscard]] std::optional<std::string> why_stuck(const DaemonParts& parts, const SpoolFile& file);
/// Of whatever waits for the disk by itself.
[[nodiscard]] std::string why_stuck(const Recorder::Stall& stall);

/// Whether what waits by that name is a batch.
[[nodiscard]] bool is_batch(std::string_view stalled);

}  // namespace usherd
