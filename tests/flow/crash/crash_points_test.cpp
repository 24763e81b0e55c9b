#include "tests/flow/world/crash_points.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <malloc.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace usherd::flow {
namespace {

constexpr std::uint64_t kWantedPoints = 10'000;

/// Plays scenario after scenario until enough points were tried. A world is one thread's; worlds know nothing
/// of each other.
CrashTally try_until_enough(std::atomic<std::uint64_t>& next, std::atomic<std::uint64_t>& tried) {
  CrashTally tally;
  while (tried < kWantedPoints) {
    const auto number = next++;
    const auto before = tally.points;
    try_crash_points(make_scenario(number % theme_count(), 1 + number / theme_count()), 1, tally);
    tried += tally.points - before;
  }
  return tally;
}

std::string text_of(const CrashTally& tally) {
  return fmt::format("{}", fmt::join(tally.problems, "\n"));
}

// USHERD_CRASH_POINT="theme seed effect" tries one point again; USHERD_FLOW_LOG=1 shows what the daemon says
// there.
TEST_CASE("A crash point that was named keeps every promise") {
  const char* named = std::getenv("USHERD_CRASH_POINT");
  if (named == nullptr)
    return;
  std::istringstream words(named);
  std::size_t theme = 0;
  std::uint64_t seed = 0;
  std::uint64_t effect = 0;
  words >> theme >> seed >> effect;
  CrashTally tally;
  try_crash_point(make_scenario(theme, seed), effect, tally);
  CHECK_MESSAGE(tally.problems.empty(), text_of(tally));
}

TEST_CASE("A machine that stops at any effect loses nothing and repeats nothing") {
  // Threads would wait for each other to count SQLite's memory.
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  // Worlds come and go by the thousand: memory that is given back to the kernel each time costs more than
  // they.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> tried{0};
  std::vector<CrashTally> tallies(std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::thread> threads;
  for (auto& tally : tallies)
    threads.emplace_back([&] { tally = try_until_enough(next, tried); });
  for (auto& thread : threads)
    thread.join();
  CrashTally all;
  for (const auto& tally : tallies) {
    all.scenarios += tally.scenarios;
    all.points += tally.points;
    all.twice += tally.twice;
    all.problems.insert(all.problems.end(), tally.problems.begin(), tally.problems.end());
  }
  fmt::print("{} crash points over {} scenarios, at {} of them two crashes\n", all.points, all.scenarios,
             all.twice);
  CHECK(all.points >= kWantedPoints);
  CHECK_MESSAGE(all.problems.empty(), text_of(all));
}

}  // namespace
}  // namespace usherd::flow
