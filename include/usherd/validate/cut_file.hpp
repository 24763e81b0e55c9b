#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/validate/block_reader.hpp"

#include <cstdint>

namespace usherd {

/// Reads on in a file that ends before `limit`, as it was made shorter after it was accepted. First what is
/// left of its lines, then one rejection for all that is missing, so that nothing ends without a word. A last
/// line that lost its end and is no good record any more is part of what is missing: no rule was broken.
[[nodiscard]] Result<void> read_cut_file(BlockReader& reader, ReadFile& file, std::uint64_t offset,
                                         std::uint64_t line, std::uint64_t limit, CheckedBlock& out);

}  // namespace usherd
