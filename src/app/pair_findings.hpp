#pragma once

#include "usherd/app/doctor.hpp"
#include "usherd/core/result.hpp"

#include <string>

namespace usherd {

/// The ledger contradicts itself.
[[nodiscard]] Finding damaged_state(const Error& error, std::string remedy = {});
/// Spool and state are no pair; `can`: a repair makes them one.
[[nodiscard]] Finding apart(std::string what, bool can);

}  // namespace usherd
