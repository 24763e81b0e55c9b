#pragma once

#include "usherd/core/result.hpp"

#include <string>

namespace usherd {

/// A listening Unix socket at `path`, mode 0660 and group usherd from its first moment. Replaces a stale one;
/// Errc::exists when somebody answers there. The caller owns the descriptor.
[[nodiscard]] Result<int> listen_on_socket(const std::string& path);

}  // namespace usherd
