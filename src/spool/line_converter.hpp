#pragma once

#include "usherd/spool/convert.hpp"

#include <memory>

namespace usherd {

/// For NDJSON that is looked at as it comes: each line that is not blank, without its newline. A byte order
/// mark at the start is skipped; a line over 1 MiB, blank or not, comes as its first 1 MiB and one byte.
[[nodiscard]] std::unique_ptr<Converter> make_line_converter(EmitRecord emit);

}  // namespace usherd
