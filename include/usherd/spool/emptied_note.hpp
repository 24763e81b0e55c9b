#pragma once

#include "usherd/spool/layout.hpp"

#include <fmt/format.h>

#include <string>

namespace usherd {

/// An empty file beside an accepted one that a repair put in place, empty, for one that was gone: that it is
/// short is known, and waits only for the next start.
[[nodiscard]] inline std::string emptied_note(const SpoolLayout& layout, FileNumber number) {
  return fmt::format("{}/f{:012}.emptied", layout.working(), number);
}

}  // namespace usherd
