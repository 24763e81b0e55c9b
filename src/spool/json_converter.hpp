#pragma once

#include "usherd/spool/convert.hpp"

#include <memory>

namespace usherd {

/// For `.json`: an array of records, one record, or the API's own {"requests":[...]}.
[[nodiscard]] std::unique_ptr<Converter> make_json_converter(EmitRecord emit);

}  // namespace usherd
