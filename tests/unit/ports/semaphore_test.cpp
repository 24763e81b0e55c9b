#include "usherd/ports/semaphore.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <map>
#include <random>
#include <vector>

using namespace usherd;
namespace asio = boost::asio;

namespace {

struct Bench {
  explicit Bench(std::size_t places) : semaphore(loop.get_executor(), places) {}

  asio::io_context loop;
  Semaphore semaphore;
  std::vector<int> entered;
  std::vector<int> aborted;

  static asio::awaitable<void> acquire(Bench& bench, int name, std::size_t count = 1) {
    try {
      co_await bench.semaphore.acquire(count);
      bench.entered.push_back(name);
    } catch (const boost::system::system_error&) {
      bench.aborted.push_back(name);
    }
  }
  void ask(int name) {
    asio::co_spawn(loop, acquire(*this, name), [](std::exception_ptr) {});
  }
  void ask(int name, asio::cancellation_signal& stop, std::size_t count = 1) {
    auto ended = [](std::exception_ptr) {};
    asio::co_spawn(loop, acquire(*this, name, count), asio::bind_cancellation_slot(stop.slot(), ended));
  }
  void poll() {
    loop.restart();
    loop.poll();
  }
};

}  // namespace

TEST_CASE("Places are handed out at once while there are any, then in order of asking") {
  Bench bench(2);
  for (int name = 1; name <= 5; ++name) {
    bench.ask(name);
  }
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2});
  CHECK(bench.semaphore.waiting() == 3);
  bench.semaphore.release();
  bench.semaphore.release();
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2, 3, 4});
  bench.semaphore.release();
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2, 3, 4, 5});
  CHECK(bench.semaphore.waiting() == 0);
}

TEST_CASE("Who asks while a place is on its way to another takes the next free one at once") {
  Bench bench(2);
  bench.ask(1);
  bench.ask(2);
  bench.ask(3);
  bench.poll();
  asio::post(bench.loop, [&] {
    bench.semaphore.release();
    bench.semaphore.release();
    bench.ask(4);
  });
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2, 4, 3});
  CHECK(bench.semaphore.waiting() == 0);
}

TEST_CASE("A newcomer never overtakes one that waits for the place just released") {
  Bench bench(1);
  bench.ask(1);
  bench.ask(2);
  bench.poll();
  asio::post(bench.loop, [&] {
    bench.semaphore.release();
    bench.ask(3);
  });
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2});
  bench.semaphore.release();
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2, 3});
}

TEST_CASE("Places added are handed out, places taken away are not handed out again") {
  Bench bench(1);
  for (int name = 1; name <= 4; ++name) {
    bench.ask(name);
  }
  bench.poll();
  bench.semaphore.add_places(2);
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2, 3});
  bench.semaphore.add_places(-2);
  bench.semaphore.release();
  bench.semaphore.release();
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2, 3});
  bench.semaphore.release();
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("A cancelled waiter holds no place, whether or not one was on its way to it") {
  Bench bench(1);
  asio::cancellation_signal stop;
  bench.ask(1);
  bench.ask(2, stop);
  bench.ask(3);
  bench.poll();
  SUBCASE("none was") {
    stop.emit(asio::cancellation_type::terminal);
    bench.poll();
    bench.semaphore.release();
  }
  SUBCASE("one was") {
    asio::post(bench.loop, [&] {
      bench.semaphore.release();
      stop.emit(asio::cancellation_type::terminal);
    });
  }
  bench.poll();
  CHECK(bench.aborted == std::vector<int>{2});
  CHECK(bench.entered == std::vector<int>{1, 3});
  CHECK(bench.semaphore.waiting() == 0);
}

TEST_CASE("Who asks for several places gets them together, and nobody overtakes it") {
  Bench bench(2);
  asio::cancellation_signal stop;
  bench.ask(1);
  bench.ask(2, stop, 2);
  bench.ask(3);
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1});
  SUBCASE("it gets them when enough are free") {
    bench.semaphore.release();
    bench.poll();
    CHECK(bench.entered == std::vector<int>{1, 2});
    bench.semaphore.release(2);
    bench.poll();
    CHECK(bench.entered == std::vector<int>{1, 2, 3});
  }
  SUBCASE("when it is cancelled those behind it go on") {
    stop.emit(asio::cancellation_type::terminal);
    bench.poll();
    CHECK(bench.aborted == std::vector<int>{2});
    CHECK(bench.entered == std::vector<int>{1, 3});
  }
  CHECK(bench.semaphore.waiting() == 0);
}

TEST_CASE("A place gives itself back once, also when it was moved") {
  Bench bench(1);
  bench.ask(1);
  bench.ask(2);
  bench.ask(3);
  bench.poll();
  {
    SemaphorePlace first(bench.semaphore);
    SemaphorePlace second(std::move(first));
    second.release();
    bench.poll();
    CHECK(bench.entered == std::vector<int>{1, 2});
  }
  bench.poll();
  CHECK(bench.entered == std::vector<int>{1, 2});
}

namespace {

/// The semaphore and a plain count of places, under the same random operations.
struct Model {
  explicit Model(unsigned seed) : random(seed), bench(3) {}

  std::mt19937 random;
  Bench bench;
  std::map<int, asio::cancellation_signal> signals;
  std::deque<int> queue;
  std::vector<int> expected;
  std::size_t gone = 0;
  std::ptrdiff_t places = 3;
  std::ptrdiff_t in_use = 0;
  int next = 0;
  bool cancelled = false;

  void step() {
    switch (random() % 7) {
      case 0:
      case 1:
      case 2:
        queue.push_back(++next);
        bench.ask(next, signals[next]);
        break;
      case 3:
      case 4:
        if (in_use > 0) {
          --in_use;
          bench.semaphore.release();
        }
        break;
      case 5: {
        const std::ptrdiff_t change = random() % 2 == 0 || places < 2 || cancelled ? 1 : -1;
        places += change;
        bench.semaphore.add_places(change);
        break;
      }
      default:
        if (!queue.empty()) {
          const int name = queue[random() % queue.size()];
          std::erase(queue, name);
          ++gone;
          // A place on its way through a cancelled waiter may be taken away before it reaches the next one.
          cancelled = true;
          signals[name].emit(asio::cancellation_type::terminal);
        }
    }
    while (in_use < places && !queue.empty()) {
      expected.push_back(queue.front());
      queue.pop_front();
      ++in_use;
    }
  }
};

}  // namespace

TEST_CASE("Whatever the order of asking, giving back, resizing and cancelling, places equal a plain count") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Model model(seed);
    for (int turn = 0; turn < 500; ++turn) {
      // Several operations fall into one turn of the loop.
      model.cancelled = false;
      asio::post(model.bench.loop, [&] {
        for (auto count = model.random() % 6; count > 0; --count) {
          model.step();
        }
      });
      model.bench.poll();
      auto entered = model.bench.entered;
      std::sort(entered.begin(), entered.end());
      auto expected = model.expected;
      std::sort(expected.begin(), expected.end());
      REQUIRE(entered == expected);
      REQUIRE(model.bench.aborted.size() == model.gone);
      REQUIRE(model.bench.semaphore.waiting() == model.queue.size());
    }
    CHECK(model.expected.size() > 200);
    CHECK(model.gone > 50);
  }
}
