#pragma once

#include "src/ledger/database.hpp"
#include "usherd/ledger/rows.hpp"

#include <optional>
#include <vector>

// What a query selects of `files` for the readers below, in their order.
#define USHERD_FILE_COLUMNS                                                                                  \
  "number, name, original, working, state, size, modified_ns, accepted, converted, read_size, mark_offset, " \
  "mark_line, mark_records, mark_local_rejected, mark_local_length, mark_local_unknown, refusal_code, "      \
  "refusal_message"

namespace usherd {

/// The file of the first row, or nothing where there is no row.
[[nodiscard]] Result<std::optional<SpoolFile>> one_file(Result<Statement> found);
/// The files of all rows.
[[nodiscard]] Result<std::vector<SpoolFile>> all_files(Result<Statement> found);
/// The records of all rows of `singles`: file, offset, length, line.
[[nodiscard]] Result<std::vector<Run>> read_singles(Result<Statement> found);

}  // namespace usherd
