#include "usherd/validate/block_pool.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <thread>
#include <vector>

using namespace usherd;

TEST_CASE("A pool gives as many blocks as it may and no more until one comes back") {
  BlockPool pool(2, 100);
  auto first = pool.take();
  const auto second = pool.take();
  REQUIRE(first != nullptr);
  REQUIRE(second != nullptr);
  CHECK(first != second);
  CHECK(pool.take() == nullptr);
  auto shared = first;
  first.reset();
  CHECK(pool.take() == nullptr);
  const auto* bytes = shared.get();
  shared.reset();
  // The same memory serves again.
  CHECK(pool.take().get() == bytes);
}

TEST_CASE("A pool that may give less gives none until enough came back") {
  BlockPool pool(3, 100);
  std::vector<BlockPool::Block> taken{pool.take(), pool.take(), pool.take()};
  pool.set_most(1);
  taken.pop_back();
  taken.pop_back();
  CHECK(pool.take() == nullptr);
  taken.pop_back();
  CHECK(pool.take() != nullptr);
  pool.set_most(0);
  CHECK(pool.take() == nullptr);
  pool.set_most(1);
  CHECK(pool.take() != nullptr);
}

TEST_CASE("Blocks outlive their pool and may come back from any thread") {
  std::optional<BlockPool> pool(std::in_place, 4, 100);
  std::vector<BlockPool::Block> taken{pool->take(), pool->take()};
  std::thread other([block = std::move(taken.back())]() mutable { block.reset(); });
  taken.pop_back();
  other.join();
  taken.front()[99] = 'x';
  pool.reset();
  CHECK(taken.front()[99] == 'x');
}

TEST_CASE("A pool tells once that a block came back, when it was asked to") {
  BlockPool pool(3, 100);
  int told = 0;
  pool.on_return([&told] { ++told; });
  std::vector<BlockPool::Block> taken{pool.take(), pool.take(), pool.take()};
  CHECK(pool.in_use() == 3);
  CHECK(pool.room() == 0);
  taken.pop_back();
  CHECK(told == 0);
  pool.tell_next();
  taken.pop_back();
  CHECK(told == 1);
  taken.pop_back();
  CHECK(told == 1);
  CHECK(pool.in_use() == 0);
  CHECK(pool.room() == 3);
  pool.set_most(1);
  CHECK(pool.room() == 1);
}
