#pragma once

#include "tests/flow/world/workload.hpp"
#include "tests/flow/world/world.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace usherd::flow {

/// What a scenario lets happen besides the ordinary.
struct Allowed {
  bool unknown = false;        ///< records may end unknown
  bool good_rejected = false;  ///< good records may be rejected
  bool rekeys = true;          ///< the three named exceptions may occur
  bool job_given_up = false;   ///< the server may still run what the daemon has given up
};

struct Audit {
  std::vector<std::string> problems;  ///< empty: every promise was kept
  std::uint64_t imported = 0;
  std::uint64_t merged = 0;
  std::uint64_t rejected = 0;
  std::uint64_t unknown = 0;
  std::uint64_t rekeyed = 0;
};

/// Looks at a world in which all files have settled: receipts and reject lines against what was dropped,
/// users against what the receipts say, and the server's own notes.
[[nodiscard]] Audit audit(World& world, const std::vector<PlannedFile>& files, const Allowed& allowed);

}  // namespace usherd::flow
