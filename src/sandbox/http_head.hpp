#pragma once

#include "src/sandbox/api_answer.hpp"
#include "usherd/core/clock.hpp"

#include <cstdint>
#include <string>

namespace usherd::sandbox {

/// Status line and headers of an answer whose body is `length` bytes, up to and with the empty line.
[[nodiscard]] std::string http_head(const ApiAnswer& answer, std::uint64_t length, bool keep_alive,
                                    WallTime now);

}  // namespace usherd::sandbox
