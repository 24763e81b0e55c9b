#pragma once

#include "src/ledger/database.hpp"
#include "usherd/ledger/rows.hpp"

#include <span>
#include <string>

namespace usherd {

/// Reads the columns of Ledger::open_batches, in their order. Errc::corrupt where a column does not hold what
/// it should.
[[nodiscard]] Result<BatchRow> read_batch(Statement& row);

/// User keys as raw little-endian numbers of 64 bits.
[[nodiscard]] std::string encode_keys(std::span<const std::uint64_t> keys);
[[nodiscard]] Result<std::vector<std::uint64_t>> decode_keys(std::string_view bytes);

}  // namespace usherd
