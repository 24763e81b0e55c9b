#pragma once

#include <string>

namespace usherd {

/// "0.1.0".
[[nodiscard]] std::string version();

/// Version, build, and the libraries in use, a line each.
[[nodiscard]] std::string version_text();

}  // namespace usherd
