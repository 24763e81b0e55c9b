#pragma once

#include "src/validate/fault.hpp"

#include <simdjson.h>

#include <string_view>

namespace usherd {

/// Says why the parser refused `line`, which it did with `error`. Slow: it looks at the line again. Always
/// false.
bool explain_parse_fault(std::string_view line, simdjson::error_code error, Fault& fault);

}  // namespace usherd
