#pragma once

#include "src/ledger/database.hpp"

namespace usherd {

/// Makes the tables in an empty database, or proves that they are ours and of a format we know; then sets
/// what a connection needs. Errc::corrupt, with what to do, for anything else; such a file is left as it is.
[[nodiscard]] Result<void> prepare_schema(Database& database);

}  // namespace usherd
