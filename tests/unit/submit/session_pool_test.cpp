#include "usherd/submit/session_pool.hpp"

#include "tests/fakes/scripted_transport.hpp"
#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <vector>

using namespace usherd;
using usherd::fakes::ScriptedTransport;

namespace {

struct Bench {
  explicit Bench(std::size_t size) : pool(loop.executor(), transport, size) {}

  test::Loop loop;
  ScriptedTransport transport{loop.executor()};
  SessionPool pool;
  std::vector<int> order;
  std::map<int, std::unique_ptr<Session>> held;

  static boost::asio::awaitable<void> acquire(Bench& bench, int name) {
    auto session = co_await bench.pool.acquire();
    bench.order.push_back(name);
    bench.held[name] = std::make_unique<Session>(std::move(session));
  }
  void ask(int name) {
    boost::asio::co_spawn(loop.context, acquire(*this, name), [](std::exception_ptr) {});
    loop.poll();
  }
  void give_back(int name) {
    held.erase(name);
    loop.poll();
  }
};

using Names = std::vector<int>;

}  // namespace

TEST_CASE("No more sessions are out than the pool has, and who waits is served in order of asking") {
  Bench bench(2);
  for (int name = 1; name <= 5; ++name)
    bench.ask(name);
  CHECK(bench.order == Names{1, 2});
  CHECK(bench.pool.busy() == 2);
  bench.give_back(2);
  CHECK(bench.order == Names{1, 2, 3});
  bench.give_back(1);
  bench.give_back(3);
  CHECK(bench.order == Names{1, 2, 3, 4, 5});
  CHECK(bench.transport.connections() == 2);
}

TEST_CASE("Connections are made when first needed, and the one used last is used first") {
  Bench bench(8);
  bench.ask(1);
  CHECK(bench.transport.connections() == 1);
  bench.ask(2);
  const auto* first = &bench.held[1]->connection();
  const auto* second = &bench.held[2]->connection();
  bench.give_back(1);
  bench.give_back(2);
  bench.ask(3);
  CHECK(&bench.held[3]->connection() == second);
  bench.ask(4);
  CHECK(&bench.held[4]->connection() == first);
  CHECK(bench.transport.connections() == 2);
}

TEST_CASE("A larger pool serves who waits, a smaller one takes sessions back as they come") {
  Bench bench(1);
  for (int name = 1; name <= 4; ++name)
    bench.ask(name);
  bench.pool.resize(3);
  bench.loop.poll();
  CHECK(bench.order == Names{1, 2, 3});
  bench.pool.resize(1);
  bench.give_back(1);
  bench.give_back(2);
  CHECK(bench.order == Names{1, 2, 3});
  bench.give_back(3);
  CHECK(bench.order == Names{1, 2, 3, 4});
  CHECK(bench.pool.busy() == 1);
  CHECK(bench.pool.size() == 1);
}

TEST_CASE("Idle sessions beyond the size are closed") {
  Bench bench(3);
  for (int name = 1; name <= 3; ++name)
    bench.ask(name);
  for (int name = 1; name <= 3; ++name)
    bench.give_back(name);
  bench.pool.resize(1);
  bench.ask(4);
  CHECK(bench.transport.connections() == 3);
  bench.pool.resize(2);
  bench.ask(5);
  CHECK(bench.transport.connections() == 4);
}

TEST_CASE("A session that was moved goes back once") {
  Bench bench(1);
  bench.ask(1);
  {
    Session moved(std::move(*bench.held[1]));
    bench.held.erase(1);
    CHECK(bench.pool.busy() == 1);
  }
  CHECK(bench.pool.busy() == 0);
  bench.ask(2);
  CHECK(bench.order == Names{1, 2});
}
