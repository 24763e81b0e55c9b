#include "usherd/adapters/worker_pool.hpp"

#include "tests/unit/adapters/run_loop.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

using namespace usherd;
namespace asio = boost::asio;

namespace {

asio::awaitable<std::thread::id> thread_after(Workers workers) {
  auto work = [] { return std::this_thread::get_id(); };
  const std::thread::id worker = co_await workers.run(work);
  CHECK(worker != std::this_thread::get_id());
  co_return std::this_thread::get_id();
}

asio::awaitable<int> sum(Workers workers, int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) {
    auto work = [i] { return i; };
    total += co_await workers.run(std::move(work));
  }
  co_return total;
}

}  // namespace

TEST_CASE("Work runs on another thread and its caller goes on on its own") {
  asio::io_context loop;
  WorkerPool pool(2);
  CHECK(test::run(loop, thread_after(pool.workers())) == std::this_thread::get_id());
}

TEST_CASE("Work and results may be of types that only move") {
  asio::io_context loop;
  WorkerPool pool(1);
  auto given = std::make_unique<std::string>("moved");
  const std::string* address = given.get();
  auto work = [given = std::move(given)]() mutable { return std::move(given); };
  const std::unique_ptr<std::string> back = test::run(loop, pool.workers().run(std::move(work)));
  CHECK(back.get() == address);
}

TEST_CASE("What the work throws reaches its caller") {
  asio::io_context loop;
  WorkerPool pool(1);
  auto work = []() -> int { throw std::out_of_range("a bug"); };
  CHECK_THROWS_WITH_AS(test::run(loop, pool.workers().run(work)), "a bug", std::out_of_range);
  CHECK(test::run(loop, sum(pool.workers(), 5)) == 10);
}

TEST_CASE("Many callers share the threads") {
  asio::io_context loop;
  WorkerPool pool(2);
  int total = 0;
  auto add = [&total](std::exception_ptr thrown, int part) {
    CHECK_FALSE(thrown);
    total += part;
  };
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(loop, sum(pool.workers(), 100), add);
  }
  loop.run();
  CHECK(total == 50 * 4950);
}

TEST_CASE("A pool may end, and its loop after it, while work is under way") {
  auto loop = std::make_unique<asio::io_context>();
  auto pool = std::make_unique<WorkerPool>(1);
  asio::co_spawn(*loop, sum(pool->workers(), 1000), [](std::exception_ptr, int) { FAIL("it never ends"); });
  loop->run_one();
  pool.reset();
  loop.reset();
}
