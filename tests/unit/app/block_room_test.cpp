#include "usherd/app/block_room.hpp"

#include "tests/unit/submit/loop.hpp"
#include "usherd/app/file_reading.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <utility>
#include <vector>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMuch = std::uint64_t{1} << 30;
constexpr std::size_t kAtOnce = FileReading::kBlocksAtOnce;

struct Bench {
  Bench() { room.allow(8); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    room.stop();
    loop.pass(1min);
  }

  test::Loop loop;
  Batcher batcher{
      loop.executor(), loop.timers, {.records = 1000, .bytes = std::uint64_t{1} << 30, .linger = 1h}, 1000};
  BlockRoom room{loop.executor(), loop.timers, batcher};
  std::vector<BlockPool::Block> sent;  ///< blocks of bodies on their way
  std::uint64_t records = 0;

  void send_all() {
    while (auto block = room.pool().take())
      sent.push_back(std::move(block));
  }
  void give_back(std::size_t count) {
    sent.resize(sent.size() - count);
    loop.poll();
  }
  /// A block of one record that is packed and waits for more.
  boost::asio::awaitable<bool> pack(BlockPool::Block bytes) {
    CheckedBlock block;
    const auto at = 101 * records++;
    block.records.add({.user = records, .offset = at, .line = records, .length = 100});
    block.blocks.push_back({std::move(bytes), at, at + 101});
    co_await batcher.place(block, 0);
    co_return true;
  }
  boost::asio::awaitable<bool> go(std::uint64_t bytes) {
    co_await room.wait(bytes);
    co_return true;
  }
  [[nodiscard]] std::shared_ptr<test::Pending<bool>> start(std::uint64_t bytes = kMuch) {
    return loop.start(go(bytes));
  }
};

}  // namespace

TEST_CASE("The reader goes on at once while there is room for what it reads at once") {
  Bench bench;
  CHECK(bench.start()->done());
  bench.send_all();
  bench.give_back(kAtOnce);
  CHECK(bench.start()->done());
}

TEST_CASE("The reader waits until bodies on their way gave back what it reads at once") {
  Bench bench;
  bench.send_all();
  const auto much = bench.start();
  for (std::size_t i = 1; i < kAtOnce; ++i) {
    bench.give_back(1);
    bench.loop.pass(90ms);
    CHECK_FALSE(much->done());
  }
  bench.give_back(1);
  CHECK(much->done());
}

TEST_CASE("Where less is left to read, less is waited for, whatever thread gives it back") {
  Bench bench;
  bench.send_all();
  const auto little = bench.start(BlockReader::kBlockBytes + 1);
  std::thread([&] { bench.sent.pop_back(); }).join();
  bench.loop.poll();
  CHECK_FALSE(little->done());
  std::thread([&] { bench.sent.pop_back(); }).join();
  bench.loop.poll();
  CHECK(little->done());
}

TEST_CASE("Where nothing comes back for a while the reader waits no more until something does") {
  Bench bench;
  bench.send_all();
  const auto first = bench.start();
  bench.loop.pass(90ms);
  CHECK_FALSE(first->done());
  bench.loop.pass(20ms);
  CHECK(first->done());
  CHECK(bench.start()->done());
  bench.give_back(1);
  const auto again = bench.start();
  CHECK_FALSE(again->done());
  bench.give_back(kAtOnce);
  CHECK(again->done());
}

TEST_CASE("What is only packed gives no room back, and is not waited for") {
  Bench bench;
  while (auto block = bench.room.pool().take())
    REQUIRE(bench.loop.run(bench.pack(std::move(block))));
  CHECK(bench.batcher.kept_blocks() == bench.room.pool().in_use());
  CHECK(bench.start()->done());
}

TEST_CASE("What is packed of a full pool waits with the reader for the rest of it alone") {
  Bench bench;
  bench.sent.push_back(bench.room.pool().take());
  while (auto block = bench.room.pool().take())
    REQUIRE(bench.loop.run(bench.pack(std::move(block))));
  const auto waits = bench.start();
  CHECK_FALSE(waits->done());
  // There is no more to come, however little it is.
  bench.give_back(1);
  CHECK(waits->done());
}

TEST_CASE("Where nothing may stay, and when usherd stops, nobody waits") {
  Bench bench;
  bench.send_all();
  const auto waits = bench.start();
  CHECK_FALSE(waits->done());
  SUBCASE("as it stops") {
    bench.room.stop();
    bench.loop.poll();
    CHECK(waits->done());
  }
  SUBCASE("as there are too many sessions") {
    bench.give_back(bench.sent.size());
    CHECK(waits->done());
    bench.room.allow(1000);
    CHECK(bench.room.pool().take() == nullptr);
  }
  CHECK(bench.start()->done());
}

TEST_CASE("Blocks may come back when the reader is gone") {
  std::vector<BlockPool::Block> sent;
  {
    Bench bench;
    bench.send_all();
    CHECK_FALSE(bench.start()->done());
    sent = std::move(bench.sent);
  }
  sent.clear();
}
