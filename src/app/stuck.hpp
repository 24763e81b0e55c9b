#pragma once

#include "src/app/daemon_parts.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
/// Those that wait so, the first of them.
[[nodiscard]] std::vector<BatchId> stuck_batches(const DaemonParts& parts);
/// Of a file that such a batch holds records of; nothing when it does not wait any more.
[[nodiscard]] std::optional<std::string> why_batch_stuck(const DaemonParts& parts, BatchId batch);

}  // namespace usherd
