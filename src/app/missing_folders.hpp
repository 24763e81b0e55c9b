#pragma once

#include "usherd/app/doctor.hpp"
#include "usherd/spool/layout.hpp"

#include <vector>

namespace usherd {

/// A finding for each of the spool's folders that is not there, with its path as the name. Looks at the disk.
[[nodiscard]] std::vector<Finding> find_missing_folders(const SpoolLayout& layout);

}  // namespace usherd
