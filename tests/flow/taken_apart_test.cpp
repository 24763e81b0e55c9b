#include "tests/flow/world/workload.hpp"
#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

constexpr int kUpdates = 45;
/// More than lies between two durable marks, so that one is made while the slow user waits.
constexpr std::size_t kFileBytes = 80U << 20;

/// Updates of a user whom the server refuses, which are merged; of one whose updates cannot be; then others.
std::string updates_and_filling() {
  std::string text;
  for (int i = 1; i <= kUpdates; ++i)
    text += fmt::format(R"({{"uid":"{}","properties":{{"seq":{},"p{}":1}}}})", kBadUid, i, i) + "\n";
  for (int i = 1; i <= kUpdates; ++i)
    text += fmt::format(R"({{"uid":"slow","email":null,"properties":{{"seq":{},"p{}":1}}}})", i, i) + "\n";
  std::string filling;
  for (int i = 0; i < 100; ++i)
    filling += fmt::format(R"(,"f{}":"{}")", i, std::string(8000, 'x'));
  for (int i = 0; text.size() < kFileBytes; ++i)
    text += fmt::format(R"({{"uid":"u{}","properties":{{"seq":{}{}}}}})", i, i, filling) + "\n";
  return text;
}

TEST_CASE("Sources of a refused merged record that go out again do not move the mark over what still waits") {
  World::Options options;
  options.config.batch.max_bytes = 1U << 20;
  options.config.limits.in_progress_batches = 1;
  options.settings.job_time.fixed = 1s;
  options.settings.reject_uids_with = kBadUid;
  World world(options);
  world.drop("a.ndjson", updates_and_filling());
  const auto updates = [&world] {
    const auto users = world.server.users();
    const auto slow = users.find("slow");
    return slow == users.end() ? 0U : slow->second.updates.size();
  };
  REQUIRE(world.start());
  REQUIRE(world.run_until(1h, [&world] { return world.server.users().contains("u88"); }));
  CHECK(updates() < kUpdates);
  world.crash(Loss::nothing);
  REQUIRE(world.start());
  CHECK(world.run_until(2h, [&world] { return world.settled(); }));
  CHECK(updates() == kUpdates);
  world.stop();
}

}  // namespace
}  // namespace usherd::flow
