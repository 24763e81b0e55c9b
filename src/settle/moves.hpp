#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"

#include <string>

namespace usherd {

/// Whether something stands under that path.
[[nodiscard]] Result<bool> is_there(Files& files, const std::string& path);

/// A rename that may have been done before: success when `from` is gone and `to` is there. Errc::corrupt when
/// both are gone, exists when another file holds the name.
[[nodiscard]] Result<void> move_once(Files& files, const std::string& from, const std::string& to);

}  // namespace usherd
