#include "tests/fakes/mem_files.hpp"
#include "tests/unit/settle/ended_bench.hpp"

namespace usherd::test {
namespace {

/// The same spool on a disk that forgets what was not synced.
struct PowerBench : EndedBench {
  fakes::MemFiles memory;
  Settlement on_memory{memory, layout};

  PowerBench() {
    for (const auto& folder : {layout.incoming(), layout.working(), layout.done(), layout.rejected()})
      memory.make_directory(folder);
    for (const auto& [name, bytes] : contents())
      memory.put(layout.root() + "/" + name, bytes);
  }

  [[nodiscard]] Contents remembered(const std::vector<std::string>& folders) const {
    Contents found;
    for (const auto& folder : folders) {
      for (const auto& name : memory.names(folder))
        found[folder.substr(layout.root().size() + 1) + "/" + name] = memory.content(folder + "/" + name);
    }
    return found;
  }
  [[nodiscard]] Contents published() const { return remembered({layout.done(), layout.rejected()}); }
};

Contents expected_contents() {
  EndedBench bench;
  REQUIRE(bench.settle(kAll));
  return bench.contents();
}

}  // namespace

TEST_CASE("what the ledger calls settled outlives the power") {
  PowerBench bench;
  REQUIRE(bench.settle(kAll, bench.on_memory));
  bench.memory.drop_unsynced();
  CHECK(bench.published() == expected_contents());
}

TEST_CASE("the power may fail at any effect, and settling ends the same when it is done again") {
  const auto expected = expected_contents();
  std::uint64_t effects = 0;
  {
    PowerBench bench;
    REQUIRE(bench.settle(kAll, bench.on_memory));
    effects = bench.memory.effects();
  }
  REQUIRE(effects > 30);
  for (std::uint64_t effect = 1; effect <= effects; ++effect) {
    CAPTURE(effect);
    PowerBench bench;
    bench.memory.fail_from(effect, {Errc::io, "the power is gone"});
    REQUIRE_FALSE(bench.settle(kAll, bench.on_memory));
    bench.memory.heal();
    bench.memory.drop_unsynced();
    REQUIRE(bench.restart(bench.on_memory, bench.memory));
    CHECK(bench.remembered({bench.layout.working(), bench.layout.done(), bench.layout.rejected()}) ==
          expected);
    bench.memory.drop_unsynced();
    CHECK(bench.published() == expected);
  }
}

TEST_CASE("a disk that is full for a while delays settling and nothing else") {
  const auto expected = expected_contents();
  std::uint64_t effects = 0;
  {
    PowerBench bench;
    REQUIRE(bench.settle(kAll, bench.on_memory));
    effects = bench.memory.effects();
  }
  for (std::uint64_t effect = 1; effect <= effects; ++effect) {
    CAPTURE(effect);
    PowerBench bench;
    bench.memory.fail_at(effect, {Errc::no_space, "disk full"});
    const auto settled = bench.settle(kAll, bench.on_memory);
    REQUIRE(settled.has_error());
    CHECK(settled.error().code == Errc::no_space);
    REQUIRE(bench.restart(bench.on_memory, bench.memory));
    CHECK(bench.published() == expected);
  }
}

}  // namespace usherd::test
