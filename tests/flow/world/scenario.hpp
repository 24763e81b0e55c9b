#pragma once

#include "tests/flow/world/audit.hpp"
#include "tests/flow/world/workload.hpp"
#include "tests/flow/world/world.hpp"
#include "usherd/sandbox/fault.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::flow {

/// A world, what is dropped into it and when, and what the server does to it.
struct Scenario {
  std::string name;
  World::Options options;
  std::vector<sandbox::FaultRule> faults;
  std::vector<PlannedFile> files;
  std::vector<std::chrono::milliseconds> drops;  ///< when each file is dropped, ascending
  Allowed allowed;
};

/// How many themes there are: plain, bad records, halving, documents, 5xx, resets, 429 and so on.
[[nodiscard]] std::size_t theme_count();
/// One of the themes, varied by the seed.
[[nodiscard]] Scenario make_scenario(std::size_t theme, std::uint64_t seed);

/// Plays a scenario in its world, over as many daemons as it takes.
class Play {
 public:
  explicit Play(const Scenario& scenario);

  /// Starts a daemon and runs it until all is settled, then ends it in order. False when the machine stopped
  /// on the way: crash() the world, then go on.
  bool go_on();
  /// Why it came to no end; empty where it did.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] Audit audit() { return flow::audit(world, scenario_.files, scenario_.allowed); }

  World world;

 private:
  [[nodiscard]] bool is_finished() const;
  void drop_due();

  const Scenario& scenario_;
  std::size_t dropped_ = 0;
  WallTime began_;
  std::string failure_;
};

}  // namespace usherd::flow
