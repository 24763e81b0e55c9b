#pragma once

#include "usherd/core/result.hpp"

#include <string>

namespace usherd {

/// Makes all indexes of `directory`/ledger.sqlite anew from the rows, which cures what Ledger::check finds
/// wrong in them alone. While nobody has the ledger open. As slow as the check.
[[nodiscard]] Result<void> rebuild_ledger_indexes(const std::string& directory);

}  // namespace usherd
