#pragma once

#include "usherd/core/result.hpp"

#include <string>
#include <string_view>

namespace usherd {

struct TextStyle {
  bool colours = false;
  unsigned columns = 80;  ///< of the terminal; lines are cut to it
};

/// What `usherd status` shows of the service's answer to /api/status: the same picture as the status page.
/// Whatever came from elsewhere (names, job ids, codes) is made printable. Errc::invalid: no such answer.
[[nodiscard]] Result<std::string> status_text(std::string_view json, TextStyle style);

/// The same for /api/file.
[[nodiscard]] Result<std::string> file_text(std::string_view json, TextStyle style);

/// `usherd jobs list`.
[[nodiscard]] Result<std::string> jobs_text(std::string_view json, TextStyle style);

}  // namespace usherd
