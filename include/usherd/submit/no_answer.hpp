#pragma once

#include "usherd/submit/api_client.hpp"

#include <optional>
#include <string>

namespace usherd {

/// Why an exchange came to nothing, for the log: it failed, the server did (5xx), or what answered is not the
/// API, as a proxy's or a login page under 200, or a 4xx without the API's JSON. Nothing for what the API
/// said, and for what parks by name. Pure.
[[nodiscard]] std::optional<std::string> why_no_answer(Call call, const Exchange& exchange);

}  // namespace usherd
