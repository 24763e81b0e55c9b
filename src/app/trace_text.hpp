#pragma once

#include "usherd/core/result.hpp"

#include <string>
#include <string_view>

namespace usherd {

/// What `usherd trace` shows of an answer to /api/trace. Errc::invalid: no such answer.
[[nodiscard]] Result<std::string> trace_text(std::string_view json);
/// What `usherd rejects retry` and `drop` show of an answer: what was done, and what was not, and why.
[[nodiscard]] Result<std::string> replay_text(std::string_view json);

}  // namespace usherd
