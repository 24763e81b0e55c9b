#include "tests/fakes/manual_timers.hpp"
#include "tests/fakes/mem_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"
#include "usherd/spool/claim.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace usherd;
using namespace usherd::test;

namespace {

/// A disk that forgets what was not synced, beside a ledger that does not.
struct PowerLosses {
  TempSpool spool;
  fakes::MemFiles disk;
  fakes::ManualTimers timers{spool.loop.get_executor()};

  PowerLosses() {
    for (const auto& folder : {spool.layout.root(), spool.layout.incoming(), spool.layout.working(),
                               spool.layout.done(), spool.layout.rejected()})
      disk.make_directory(folder);
  }

  ClaimReport live() {
    spool.restart();
    // No power loss makes a state look like a copy from before.
    const auto remembered = read_numbers(disk, spool.layout);
    CHECK((!remembered || !is_older(numbers_of(*spool.ledger).value(), *remembered)));
    Claimer claimer(spool.layout, disk, timers, spool.workers, *spool.commits, 0);
    const auto adopted = spool.run(claimer.finish());
    if (adopted.stopped)
      return adopted;
    std::vector<SeenFile> group;
    for (const auto& name : disk.names(spool.layout.incoming())) {
      SeenFile seen;
      seen.name = name;
      seen.stat = disk.stat(spool.layout.incoming() + "/" + name).value();
      group.push_back(std::move(seen));
    }
    return spool.run(claimer.take(std::move(group)));
  }
};

const Error kPower{Errc::io, "the power is gone"};

}  // namespace

TEST_CASE(
    "a power loss at any effect of a claim keeps every accepted file whole and every other where it was") {
  for (std::uint64_t effect = 1;; ++effect) {
    CAPTURE(effect);
    PowerLosses losses;
    std::map<std::string, std::string> dropped;
    for (int file = 0; file < 4; ++file) {
      const auto name = fmt::format("{}{}.ndjson", file % 2 == 0 ? "" : "odd\x01", file);
      dropped[name] = fmt::format("content {}", file);
      losses.disk.put(losses.spool.layout.incoming() + "/" + name, dropped[name]);
    }
    losses.disk.fail_from(losses.disk.effects() + effect, kPower);
    const auto first = losses.live();
    const bool survived = !first.stopped;
    losses.disk.heal();
    losses.disk.drop_unsynced();
    REQUIRE_FALSE(losses.live().stopped);
    std::map<std::string, std::string> accepted;
    for (const auto& row : losses.spool.rows()) {
      CHECK_FALSE(accepted.contains(row.original));
      accepted[row.original] = losses.disk.content(losses.spool.layout.working_file(row));
    }
    CHECK(accepted == dropped);
    CHECK(losses.disk.names(losses.spool.layout.incoming()).empty());
    if (survived && effect > 20)
      break;
    REQUIRE(effect < 200);
  }
}

TEST_CASE("bytes that their producer never synced are durable once the file is accepted") {
  PowerLosses losses;
  const auto path = losses.spool.layout.incoming() + "/a.ndjson";
  {
    const auto file = losses.disk.write(path, WriteMode::create);
    REQUIRE(file.has_value());
    REQUIRE((*file)->append("{\"uid\":\"1\"}\n").has_value());
  }
  CHECK(losses.live().files == 1);
  losses.disk.drop_unsynced();
  REQUIRE(losses.spool.rows().size() == 1);
  CHECK(losses.disk.content(losses.spool.layout.working_file(losses.spool.rows()[0])) == "{\"uid\":\"1\"}\n");
  CHECK(losses.disk.names(losses.spool.layout.incoming()).empty());
}
