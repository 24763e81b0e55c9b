#include "usherd/ports/task_group.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <exception>
#include <stdexcept>
#include <string>

using namespace usherd;
namespace asio = boost::asio;

namespace {

struct Bench {
  asio::io_context loop;
  Event go{loop.get_executor()};
  TaskGroup tasks{loop.get_executor()};
  int finished = 0;
  int aborted = 0;
  bool empty = false;

  void poll() {
    loop.restart();
    loop.poll();
  }
  [[nodiscard]] std::string failure() const {
    try {
      if (tasks.failure())
        std::rethrow_exception(tasks.failure());
    } catch (const std::exception& thrown) {
      return thrown.what();
    }
    return "none";
  }
};

asio::awaitable<void> work(Bench& bench) {
  try {
    co_await bench.go.wait();
  } catch (const boost::system::system_error&) {
    ++bench.aborted;
    throw;
  }
  ++bench.finished;
}

asio::awaitable<void> fail(Bench& bench, std::string what) {
  co_await bench.go.wait();
  throw std::runtime_error(what);
}

asio::awaitable<void> end_at_once(Bench& bench) {
  ++bench.finished;
  co_return;
}

asio::awaitable<void> spawn_another(Bench& bench) {
  co_await bench.go.wait();
  bench.tasks.spawn(work(bench));
}

/// Ends badly when it is cancelled, as a bug in a clean-up would.
asio::awaitable<void> fail_on_cancel(Bench& bench) {
  try {
    co_await bench.go.wait();
  } catch (const boost::system::system_error&) {
    throw std::logic_error("clean-up");
  }
}

asio::awaitable<void> watch_empty(Bench& bench) {
  co_await bench.tasks.wait_empty();
  bench.empty = true;
}

}  // namespace

TEST_CASE("A group knows how many run and tells when none runs any more") {
  Bench bench;
  bench.tasks.spawn(work(bench));
  bench.tasks.spawn(work(bench));
  bench.tasks.spawn(end_at_once(bench));
  asio::co_spawn(bench.loop, watch_empty(bench), [](std::exception_ptr) {});
  bench.poll();
  CHECK(bench.tasks.size() == 2);
  CHECK_FALSE(bench.empty);
  bench.go.notify();
  bench.poll();
  CHECK(bench.tasks.size() == 0);
  CHECK(bench.finished == 3);
  CHECK(bench.empty);
  CHECK(bench.failure() == "none");
}

TEST_CASE("Waiting for an empty group that is empty returns at once") {
  Bench bench;
  asio::co_spawn(bench.loop, watch_empty(bench), [](std::exception_ptr) {});
  bench.poll();
  CHECK(bench.empty);
}

TEST_CASE("A task may start another, and the group is not empty before both ended") {
  Bench bench;
  bench.tasks.spawn(spawn_another(bench));
  asio::co_spawn(bench.loop, watch_empty(bench), [](std::exception_ptr) {});
  bench.poll();
  bench.go.notify();
  bench.poll();
  CHECK(bench.tasks.size() == 1);
  CHECK_FALSE(bench.empty);
  bench.go.notify();
  bench.poll();
  CHECK(bench.empty);
}

TEST_CASE("Cancelling stops all that runs now, which is no failure, and nothing that starts later") {
  Bench bench;
  for (int i = 0; i < 5; ++i) {
    bench.tasks.spawn(work(bench));
  }
  bench.poll();
  bench.tasks.cancel();
  bench.tasks.spawn(work(bench));
  bench.poll();
  CHECK(bench.aborted == 5);
  CHECK(bench.tasks.size() == 1);
  CHECK(bench.failure() == "none");
  bench.go.notify();
  bench.poll();
  CHECK(bench.finished == 1);
}

TEST_CASE("Cancelling before a task first ran stops it") {
  Bench bench;
  bench.tasks.spawn(work(bench));
  bench.tasks.cancel();
  bench.poll();
  CHECK(bench.tasks.size() == 0);
  CHECK(bench.finished == 0);
}

TEST_CASE("Cancelling an empty group, or twice, does no harm") {
  Bench bench;
  bench.tasks.cancel();
  bench.tasks.spawn(work(bench));
  bench.poll();
  bench.tasks.cancel();
  bench.tasks.cancel();
  bench.poll();
  CHECK(bench.tasks.size() == 0);
}

TEST_CASE("The first exception that is no cancellation is kept and stops the group") {
  Bench bench;
  Event other(bench.loop.get_executor());
  bench.tasks.spawn(fail(bench, "first"));
  bench.tasks.spawn(fail_on_cancel(bench));
  bench.poll();
  bench.go.notify();
  bench.tasks.spawn(fail_on_cancel(bench));
  bench.poll();
  CHECK(bench.tasks.size() == 0);
  CHECK(bench.failure() == "first");
}
