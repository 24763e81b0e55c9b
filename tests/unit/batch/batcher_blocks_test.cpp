#include "usherd/batch/batcher.hpp"

#include "tests/fakes/manual_timers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <exception>
#include <utility>
#include <vector>

using namespace usherd;
using usherd::fakes::ManualTimers;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Bench {
  asio::io_context loop;
  ManualTimers timers{loop.get_executor()};
  Batcher batcher{loop.get_executor(), timers, {.records = 3, .bytes = 1 << 20, .linger = 1s}, 1000};

  static void rethrow(std::exception_ptr thrown) {
    if (thrown)
      std::rethrow_exception(thrown);
  }
};

CheckedBlock block_of(const std::vector<std::uint64_t>& ids, BlockPool::Block bytes) {
  CheckedBlock block;
  for (const auto id : ids)
    block.records.add({.user = id, .offset = id, .line = id, .length = 100});
  block.blocks.push_back({std::move(bytes), ids.front(), ids.back() + 1});
  return block;
}

asio::awaitable<void> place_blocks(Batcher& batcher, std::vector<CheckedBlock> blocks) {
  for (const auto& block : blocks)
    co_await batcher.place(block, 0);
}

}  // namespace

TEST_CASE("A batch holds on to the blocks of its records, as long as all of them stayed in memory") {
  Bench bench;
  BlockPool pool(3, 64);
  auto first = pool.take();
  const auto second = pool.take();
  const auto held = [&](const CheckedBlock& third) {
    asio::co_spawn(bench.loop,
                   place_blocks(bench.batcher, {block_of({1, 2}, first), block_of({3, 4}, second), third}),
                   Bench::rethrow);
    bench.loop.restart();
    bench.loop.poll();
    std::vector<std::vector<const char*>> out;
    for (int i = 0; i < 2; ++i) {
      auto batch = bench.batcher.take();
      auto& blocks = out.emplace_back();
      for (const auto& kept : batch->take_kept())
        blocks.push_back(kept.block.bytes.get());
      for (const auto& item : batch->packed().all())
        bench.batcher.release(item.record.user);
    }
    return out;
  };
  using Held = std::vector<std::vector<const char*>>;
  SUBCASE("all stayed") {
    const auto third = pool.take();
    CHECK(held(block_of({5, 6}, third)) == Held{{first.get(), second.get()}, {second.get(), third.get()}});
  }
  SUBCASE("the first did not") {
    first = nullptr;
    const auto third = pool.take();
    CHECK(held(block_of({5, 6}, third)) == Held{{}, {second.get(), third.get()}});
  }
  SUBCASE("the last did not") {
    CHECK(held(block_of({5, 6}, nullptr)) == Held{{first.get(), second.get()}, {}});
    // The next batch is another matter.
    CHECK(held(block_of({7, 8}, second)).front().size() == 2);
  }
}
