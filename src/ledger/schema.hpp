#pragma once

#include "src/ledger/database.hpp"

namespace usherd {

/// Makes the tables in an empty database, or proves that they are ours and of a format we know; then sets
/// what a connection needs. Errc::corrupt, with what to do, for anything else; such a file is left as it is.
[[nodiscard]] Result<void> prepare_schema(Database& database);

/// Proves that a ledger which is only read has this format: nothing is taken over for a look. Errc::invalid,
/// with what to do, for another.
[[nodiscard]] Result<void> check_format(Database& database);

}  // namespace usherd
