#include "tests/flow/world/crash_points.hpp"

#include <fmt/format.h>

#include <chrono>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostProblems = 20;

/// What a point does besides stopping there: every fourth keeps what was not synced, every third stops once
/// more a few effects after the start, every fifth is another boot.
struct Point {
  std::uint64_t effect;
  [[nodiscard]] Loss loss() const { return effect % 4 == 3 ? Loss::nothing : Loss::everything; }
  [[nodiscard]] bool stops_twice() const { return effect % 3 == 2; }
  [[nodiscard]] std::uint64_t second_effect() const { return 1 + effect * 7 % 23; }
  [[nodiscard]] bool reboots() const { return effect % 5 == 4; }
};

void note(CrashTally& tally, const Scenario& scenario, std::uint64_t effect, const std::string& problem) {
  if (tally.problems.size() < kMostProblems)
    tally.problems.push_back(fmt::format("{} at effect {}: {}", scenario.name, effect, problem));
}

void come_back(World& world, const Point& point) {
  world.crash(point.loss());
  world.pass(5s);
  if (point.reboots())
    world.reboot();
}

}  // namespace

void try_crash_point(const Scenario& scenario, std::uint64_t effect, CrashTally& tally) {
  const Point point{effect};
  ++tally.points;
  Play play(scenario);
  play.world.effects.stop_after(point.effect);
  if (play.go_on()) {
    note(tally, scenario, point.effect, "the machine did not stop: the run is not repeatable");
    return;
  }
  if (play.failure().empty()) {
    come_back(play.world, point);
    if (point.stops_twice()) {
      ++tally.twice;
      play.world.effects.stop_after(point.second_effect());
    }
    bool ended = play.go_on();
    if (!ended && play.failure().empty()) {
      come_back(play.world, point);
      ended = play.go_on();
    }
    if (ended) {
      for (const auto& problem : play.audit().problems)
        note(tally, scenario, point.effect, problem);
    }
  }
  if (!play.failure().empty())
    note(tally, scenario, point.effect, play.failure());
}

void try_crash_points(const Scenario& scenario, std::uint64_t step, CrashTally& tally) {
  Play whole(scenario);
  ++tally.scenarios;
  if (!whole.go_on()) {
    note(tally, scenario, 0, whole.failure());
    return;
  }
  for (const auto& problem : whole.audit().problems)
    note(tally, scenario, 0, problem);
  const auto effects = whole.world.effects.count();
  for (std::uint64_t effect = 1; effect <= effects; effect += step)
    try_crash_point(scenario, effect, tally);
}

}  // namespace usherd::flow
