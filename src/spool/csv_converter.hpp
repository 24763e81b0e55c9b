#pragma once

#include "usherd/spool/convert.hpp"

#include <memory>

namespace usherd {

/// For `.csv`: the header row, then a record for each row that holds a value, or the line of a BadRow.
[[nodiscard]] std::unique_ptr<Converter> make_csv_converter(EmitRecord emit);

}  // namespace usherd
