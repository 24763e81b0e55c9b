#include "tests/flow/world/mem_sqlite.hpp"
#include "usherd/ledger/ledger.hpp"

#include <doctest/doctest.h>

namespace usherd::flow {
namespace {

TEST_CASE("What an opened ledger shows survives a power loss, also what a killed process did not sync") {
  Effects effects;
  MemSqlite sqlite(effects);
  const auto open = [&] { return Ledger::open_in(sqlite.name(), "/state"); };
  {
    const auto ledger = open();
    REQUIRE(ledger.has_value());
    // Killed as it syncs: its writes are the kernel's.
    effects.stop_after(1);
    CHECK_FALSE((*ledger)->transaction([&] { return (*ledger)->batches_given(7); }).has_value());
  }
  effects.restart();
  BatchId shown = 0;
  {
    const auto ledger = open();
    REQUIRE(ledger.has_value());
    shown = (*ledger)->last_batch_id().value();
    CHECK(shown == 7);
    // It is killed, too, before it changed anything.
    effects.stop();
  }
  sqlite.drop_unsynced();
  effects.restart();
  const auto ledger = open();
  REQUIRE(ledger.has_value());
  CHECK((*ledger)->last_batch_id().value() == shown);
}

}  // namespace
}  // namespace usherd::flow
