#pragma once

#include "tests/flow/world/scenario.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace usherd::flow {

struct CrashTally {
  std::uint64_t scenarios = 0;
  std::uint64_t points = 0;
  std::uint64_t twice = 0;            ///< of them, stopped once more while starting again
  std::vector<std::string> problems;  ///< with scenario and point; at most a few kept
};

/// Stops the machine at that effect with what was not synced lost (at some points kept), starts it again,
/// plays to the end and audits.
void try_crash_point(const Scenario& scenario, std::uint64_t effect, CrashTally& tally);

/// Plays the scenario once to count its effects, then tries each `step`-th of them.
void try_crash_points(const Scenario& scenario, std::uint64_t step, CrashTally& tally);

}  // namespace usherd::flow
