#pragma once

#include "src/spool/converted_records.hpp"
#include "usherd/spool/convert.hpp"

#include <memory>

namespace usherd {

/// For `.json`: an array of records, one record, or the API's own {"requests":[...]}. `out` must outlive it.
[[nodiscard]] std::unique_ptr<Converter> make_json_converter(ConvertedRecords& out);

}  // namespace usherd
