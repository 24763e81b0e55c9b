#include "usherd/ledger/group_commit.hpp"

#include "tests/unit/ledger/scratch.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <future>
#include <optional>
#include <vector>

namespace usherd::test {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> apply(GroupCommit& group, GroupCommit::Change change,
                            std::optional<Result<void>>& result) {
  auto applied = co_await group.apply(std::move(change));
  result = std::move(applied);
}

/// A loop, a ledger's thread that a test can hold back, and the answers of its callers.
struct CommitBench {
  LedgerBench ledger;
  asio::io_context loop;
  asio::thread_pool thread{1};
  std::unique_ptr<GroupCommit> group =
      std::make_unique<GroupCommit>(*ledger.ledger, Workers(thread.get_executor()));
  std::vector<std::unique_ptr<std::optional<Result<void>>>> answers;

  ~CommitBench() { thread.join(); }

  /// Keeps the ledger's thread busy until the promise is kept.
  [[nodiscard]] std::promise<void> hold() {
    std::promise<void> held;
    asio::post(thread, [until = std::make_shared<std::future<void>>(held.get_future())] { until->wait(); });
    return held;
  }
  std::optional<Result<void>>& start(GroupCommit::Change change) {
    auto& answer = *answers.emplace_back(std::make_unique<std::optional<Result<void>>>());
    asio::co_spawn(loop, apply(*group, std::move(change), answer), asio::detached);
    return answer;
  }
  /// Runs the loop until nothing is ready, as a daemon's loop would while the ledger's thread is busy.
  void poll() { loop.poll(); }
  void run() {
    loop.restart();
    loop.run();
  }
};

GroupCommit::Change fact(std::string name) {
  return [name = std::move(name)](Ledger& ledger) { return ledger.set_fact(name, "set"); };
}

GroupCommit::Change failing(Errc code) {
  return [code](Ledger& ledger) -> Result<void> {
    auto written = ledger.set_fact("bad", "set");
    if (!written)
      return written;
    return Error{code, "will not"};
  };
}

}  // namespace

TEST_CASE("a change is durable when its caller goes on") {
  CommitBench bench;
  auto& answer = bench.start(fact("a"));
  bench.run();
  REQUIRE(answer);
  CHECK(answer->has_value());
  CHECK(bench.group->commits() == 1);
  CHECK(bench.ledger->fact("a").value() == "set");
}

TEST_CASE("changes that arrive during a commit share the next one") {
  CommitBench bench;
  auto held = bench.hold();
  bench.start(fact("first"));
  bench.poll();
  for (int i = 0; i < 500; ++i)
    bench.start(fact("f" + std::to_string(i)));
  bench.poll();
  held.set_value();
  bench.run();
  CHECK(bench.group->commits() == 2);
  for (const auto& answer : bench.answers) {
    REQUIRE(*answer);
    CHECK((*answer)->has_value());
  }
  CHECK(bench.ledger->fact("f499").value());
}

TEST_CASE("a group is bounded") {
  CommitBench bench;
  auto held = bench.hold();
  bench.start(fact("first"));
  bench.poll();
  for (int i = 0; i < 5000; ++i)
    bench.start(fact("same"));
  bench.poll();
  held.set_value();
  bench.run();
  CHECK(bench.group->commits() == 3);
}

TEST_CASE(
    "a change that is bad, or that a full disk has no room for, fails alone: its neighbours are committed") {
  auto code = Errc::corrupt;
  SUBCASE("bad") {}
  SUBCASE("no room") {
    code = Errc::no_space;
  }
  CommitBench bench;
  auto held = bench.hold();
  bench.start(fact("first"));
  bench.poll();
  const auto& before = bench.start(fact("before"));
  const auto& bad = bench.start(failing(code));
  const auto& after = bench.start(fact("after"));
  bench.poll();
  held.set_value();
  bench.run();
  CHECK(before->has_value());
  CHECK(after->has_value());
  REQUIRE(bad->has_error());
  CHECK(bad->error().code == code);
  CHECK(bench.ledger->fact("before").value());
  CHECK(bench.ledger->fact("after").value());
  CHECK_FALSE(bench.ledger->fact("bad").value());
  CHECK(bench.group->commits() == 3);
}

TEST_CASE("a disk that fails does so for the whole group at once, and the next one may succeed") {
  CommitBench bench;
  auto held = bench.hold();
  bench.start(fact("first"));
  bench.poll();
  int runs = 0;
  const auto& good = bench.start([&runs](Ledger& ledger) {
    ++runs;
    return ledger.set_fact("good", "set");
  });
  bench.start(failing(Errc::io));
  bench.poll();
  held.set_value();
  bench.run();
  REQUIRE(good->has_error());
  CHECK(good->error().code == Errc::io);
  CHECK(runs == 1);
  CHECK_FALSE(bench.ledger->fact("good").value());
  const auto& later = bench.start(fact("later"));
  bench.run();
  CHECK(later->has_value());
}

TEST_CASE("a cancelled caller's change is committed all the same, and nobody is left waiting") {
  CommitBench bench;
  auto held = bench.hold();
  std::optional<Result<void>> leader;
  std::optional<Result<void>> follower;
  std::vector<asio::cancellation_signal> signals(2);
  bool threw = false;
  const auto ended = [&](std::exception_ptr failure) { threw = threw || failure != nullptr; };
  asio::co_spawn(bench.loop, apply(*bench.group, fact("leader"), leader),
                 asio::bind_cancellation_slot(signals[0].slot(), ended));
  bench.poll();
  asio::co_spawn(bench.loop, apply(*bench.group, fact("follower"), follower),
                 asio::bind_cancellation_slot(signals[1].slot(), ended));
  const auto& last = bench.start(fact("last"));
  bench.poll();
  for (auto& signal : signals)
    signal.emit(asio::cancellation_type::all);
  bench.poll();
  CHECK_FALSE(leader);
  CHECK_FALSE(follower);
  held.set_value();
  bench.run();
  CHECK_FALSE(threw);
  CHECK(leader->has_value());
  CHECK(follower->has_value());
  CHECK(last->has_value());
  CHECK(bench.ledger->fact("leader").value());
  CHECK(bench.ledger->fact("follower").value());
}

TEST_CASE("callers that vanish with their loop leave a ledger that is whole") {
  LedgerBench ledger;
  asio::thread_pool thread{1};
  std::optional<Result<void>> leader;
  std::optional<Result<void>> follower;
  {
    GroupCommit group(*ledger.ledger, Workers(thread.get_executor()));
    asio::io_context loop;
    asio::co_spawn(loop, apply(group, fact("leader"), leader), asio::detached);
    asio::co_spawn(loop, apply(group, fact("follower"), follower), asio::detached);
    loop.poll();
    thread.join();
  }
  CHECK_FALSE(leader);
  CHECK_FALSE(follower);
  CHECK(ledger->fact("leader").value());
  CHECK(ledger->check());
}

namespace {

asio::awaitable<void> ask_fact(GroupCommit& group, std::optional<std::string>& answer) {
  auto question = [](Ledger& ledger) { return ledger.fact("a"); };
  auto found = co_await group.ask(std::move(question));
  answer = found.value();
}

}  // namespace

TEST_CASE("a question is answered between groups") {
  CommitBench bench;
  std::optional<std::string> answer;
  bench.start(fact("a"));
  asio::co_spawn(bench.loop, ask_fact(*bench.group, answer), asio::detached);
  bench.run();
  CHECK(answer == "set");
}

}  // namespace usherd::test
