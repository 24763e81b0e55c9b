#include "usherd/batch/batcher.hpp"

#include "tests/fakes/manual_timers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace usherd;
using usherd::fakes::ManualTimers;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

using Ids = std::vector<std::uint64_t>;

Record record(std::uint64_t id, std::uint64_t user, std::uint32_t length = 100) {
  Record out;
  out.user = user;
  out.offset = id;
  out.line = id;
  out.length = length;
  out.flags = kMergeable;
  return out;
}

Ids ids(OpenBatch& batch) {
  Ids out;
  for (const auto& item : batch.packed().all()) {
    out.push_back(item.record.offset);
  }
  return out;
}

struct Bench {
  explicit Bench(BatchLimits limits, std::size_t lookahead = 1000)
      : batcher(loop.get_executor(), timers, limits, lookahead) {}

  asio::io_context loop;
  ManualTimers timers{loop.get_executor()};
  Batcher batcher;
  std::size_t placed = 0;  ///< calls of place() that returned
  std::size_t due = 0;     ///< calls of wait_due() that returned

  static asio::awaitable<void> place_all(Bench& bench, std::vector<Record> records) {
    CheckedBlock block;
    for (const auto& record : records)
      block.records.add(record);
    co_await bench.batcher.place(block, 0);
    ++bench.placed;
  }
  static asio::awaitable<void> await_due(Bench& bench) {
    co_await bench.batcher.wait_due();
    ++bench.due;
  }
  void poll() {
    loop.restart();
    loop.poll();
  }
  void place(std::vector<Record> records) {
    asio::co_spawn(loop, place_all(*this, std::move(records)), rethrow);
    poll();
  }
  void wait_due() {
    asio::co_spawn(loop, await_due(*this), rethrow);
    poll();
  }
  Ids take() {
    const auto batch = batcher.take();
    poll();
    return ids(*batch);
  }
  static void rethrow(std::exception_ptr thrown) {
    if (thrown)
      std::rethrow_exception(thrown);
  }
};

std::vector<Record> users(std::uint64_t first, std::uint64_t last) {
  std::vector<Record> out;
  for (auto id = first; id <= last; ++id) {
    out.push_back(record(id, 1000 + id));
  }
  return out;
}

}  // namespace

TEST_CASE("A batch takes records up to its limits of number and bytes, and at least one") {
  struct Row {
    std::string name;
    std::uint32_t held;
    std::uint32_t held_length;
    std::uint32_t length;
    bool fits;
  };
  // Three records and 400 bytes: {"requests":[ ]} are 15, each record counts its comma.
  const Row rows[] = {
      {"an empty batch takes a record of any size", 0, 0, 1'000'000, true},
      {"two records leave room for a third", 2, 50, 50, true},
      {"three records are full", 3, 50, 50, false},
      {"to the byte", 1, 100, 400 - 15 - 101 - 1, true},
      {"a byte too many", 1, 100, 400 - 15 - 101, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    OpenBatch batch(1);
    for (std::uint32_t i = 0; i < row.held; ++i) {
      batch.add(record(i, i, row.held_length), 0);
    }
    CHECK(batch.fits(row.length, BatchLimits{3, 400, 1s}) == row.fits);
  }
}

TEST_CASE("A batch is due when it is full, not before") {
  Bench bench({3, 1 << 20, 1s});
  bench.wait_due();
  bench.place(users(1, 2));
  CHECK(bench.due == 0);
  CHECK_FALSE(bench.batcher.is_due());
  bench.place(users(3, 3));
  CHECK(bench.due == 1);
  CHECK(bench.batcher.due_operations() == 3);
  CHECK(bench.take() == Ids{1, 2, 3});
  CHECK(bench.batcher.idle());
}

TEST_CASE("A record that does not fit by its bytes closes the batch and opens the next one") {
  Bench bench({100, 15 + 3 * 101, 1s});
  bench.place(users(1, 4));
  REQUIRE(bench.batcher.is_due());
  const auto batch = bench.batcher.take();
  CHECK(ids(*batch) == Ids{1, 2, 3});
  CHECK(batch->body_bytes() <= 15 + 3 * 101);
  CHECK_FALSE(bench.batcher.is_due());
  SUBCASE("one larger than the limit goes alone") {
    bench.place({record(5, 5, 5000)});
    CHECK(bench.take() == Ids{4});
    bench.place({record(6, 6, 10)});
    CHECK(bench.take() == Ids{5});
  }
}

TEST_CASE("An unfilled batch is due when its oldest record has lingered") {
  Bench bench({100, 1 << 20, 1s});
  bench.wait_due();
  bench.timers.run_for(bench.loop, 5s);
  bench.place(users(1, 1));
  bench.timers.run_for(bench.loop, 900ms);
  bench.place(users(2, 2));
  bench.timers.run_for(bench.loop, 99ms);
  CHECK(bench.due == 0);
  bench.timers.run_for(bench.loop, 1ms);
  CHECK(bench.due == 1);
  CHECK(bench.take() == Ids{1, 2});
  SUBCASE("the next one lingers anew") {
    bench.wait_due();
    bench.place(users(3, 3));
    bench.timers.run_for(bench.loop, 999ms);
    CHECK(bench.due == 1);
    bench.timers.run_for(bench.loop, 1ms);
    CHECK(bench.due == 2);
  }
}

TEST_CASE("When nothing more will be read, what is packed is due at once") {
  Bench bench({100, 1 << 20, 1h});
  bench.wait_due();
  bench.place(users(1, 2));
  CHECK(bench.due == 0);
  bench.batcher.set_flushing(true);
  bench.poll();
  CHECK(bench.due == 1);
  CHECK(bench.take() == Ids{1, 2});
  bench.wait_due();
  CHECK(bench.due == 1);
  bench.place(users(3, 3));
  CHECK(bench.due == 2);
  bench.batcher.set_flushing(false);
  CHECK_FALSE(bench.batcher.is_due());
}

TEST_CASE("A new linger binds a batch that waits already") {
  Bench bench({100, 1 << 20, 1h});
  bench.place(users(1, 1));
  bench.wait_due();
  bench.batcher.configure({100, 1 << 20, 1s}, 1000);
  bench.timers.run_for(bench.loop, 1s);
  CHECK(bench.due == 1);
}

TEST_CASE("A smaller limit of records makes a batch due that already holds as many") {
  Bench bench({100, 1 << 20, 1h});
  bench.place(users(1, 5));
  bench.wait_due();
  bench.batcher.configure({5, 1 << 20, 1h}, 1000);
  bench.poll();
  CHECK(bench.due == 1);
  CHECK(bench.take() == Ids{1, 2, 3, 4, 5});
}

TEST_CASE(
    "A size that was learnt binds what is packed until it is forgotten, and a reload does not change that") {
  Bench bench({100, 1 << 20, 1h});
  bench.place(users(1, 5));
  bench.wait_due();
  bench.batcher.learn(100);
  bench.poll();
  CHECK(bench.due == 1);
  CHECK(bench.batcher.limits().bytes == 100);
  bench.batcher.configure({50, 1 << 20, 1h}, 1000);
  CHECK(bench.batcher.limits().bytes == 100);
  CHECK(bench.batcher.limits().records == 50);
  bench.batcher.configure({50, 80, 1h}, 1000);
  CHECK(bench.batcher.limits().bytes == 80);
  bench.batcher.learn(std::nullopt);
  CHECK(bench.batcher.limits().bytes == 80);
  bench.batcher.configure({50, 1 << 20, 1h}, 1000);
  CHECK(bench.batcher.limits().bytes == 1 << 20);
}

TEST_CASE("The reader waits while two batches are packed and goes on when one is taken") {
  Bench bench({2, 1 << 20, 1s});
  bench.place(users(1, 9));
  CHECK(bench.placed == 0);
  CHECK(bench.take() == Ids{1, 2});
  CHECK(bench.placed == 0);
  CHECK(bench.take() == Ids{3, 4});
  CHECK(bench.take() == Ids{5, 6});
  CHECK(bench.placed == 1);
  CHECK(bench.take() == Ids{7, 8});
  CHECK(bench.take() == Ids{9});
  CHECK(bench.batcher.idle());
}

TEST_CASE(
    "The reader waits when as many records wait as the lookahead allows, and goes on when one moves on") {
  Bench bench({10, 1 << 20, 1s}, 3);
  bench.place({record(1, 7), record(2, 7), record(3, 7), record(4, 7), record(5, 8)});
  CHECK(bench.placed == 0);
  CHECK(bench.batcher.order().waiting() == 3);
  CHECK(bench.take() == Ids{1});
  CHECK(bench.placed == 0);
  SUBCASE("by the end of a batch") {
    bench.batcher.release(7);
    bench.batcher.released();
    bench.poll();
    CHECK(bench.placed == 1);
    CHECK(bench.take() == Ids{2, 5});
  }
  SUBCASE("by a larger lookahead") {
    bench.batcher.configure({10, 1 << 20, 1s}, 4);
    bench.poll();
    CHECK(bench.placed == 1);
    CHECK(bench.take() == Ids{5});
  }
  SUBCASE("by a merge") {
    bench.batcher.order().drop_waiting(7, 2);
    bench.batcher.released();
    bench.poll();
    CHECK(bench.placed == 1);
    CHECK(bench.take() == Ids{5});
  }
}

TEST_CASE("What became ready is packed before what is read next") {
  Bench bench({2, 1 << 20, 1h});
  bench.place({record(1, 1), record(2, 2), record(3, 1), record(4, 2), record(5, 5), record(6, 6),
               record(7, 7), record(8, 8), record(9, 9)});
  CHECK(bench.take() == Ids{1, 2});
  bench.batcher.release(1);
  bench.batcher.release(2);
  bench.batcher.released();
  bench.poll();
  // Two batches are packed already; the ready records come before record 9, which is not read yet.
  CHECK(bench.take() == Ids{5, 6});
  CHECK(bench.take() == Ids{7, 8});
  CHECK(bench.take() == Ids{3, 4});
  CHECK(bench.take() == Ids{9});
}

TEST_CASE("A user who waits behind the open batch is a candidate for merging, behind another one is not") {
  Bench bench({10, 1 << 20, 1h});
  bench.place({record(1, 7), record(2, 7), record(3, 7), record(4, 8)});
  auto first = bench.batcher.take();
  CHECK(first->merge_candidates() == std::vector<std::uint64_t>{7});
  bench.place({record(5, 9), record(6, 8)});
  SUBCASE("they wait for the batch that was taken") {
    CHECK(bench.batcher.take()->merge_candidates().empty());
  }
  SUBCASE("what became ready with others behind it is a candidate again") {
    bench.batcher.release(7);
    bench.batcher.released();
    auto second = bench.batcher.take();
    CHECK(ids(*second) == Ids{5, 2});
    CHECK(second->merge_candidates() == std::vector<std::uint64_t>{7});
  }
}

TEST_CASE("Records that go by themselves say so and cannot be merged") {
  Bench bench({10, 1 << 20, 1h});
  bench.batcher.place_single(QueuedRecord{record(1, 7), 4});
  bench.place({record(2, 8), record(3, 8)});
  auto batch = bench.batcher.take();
  REQUIRE(ids(*batch) == Ids{1, 2});
  CHECK(batch->packed().all()[0].record.flags == kSingle);
  CHECK(batch->packed().all()[0].file == 4);
  CHECK(batch->packed().all()[1].record.flags == kMergeable);
  bench.batcher.put_back(8, {QueuedRecord{record(10, 8), 0}, QueuedRecord{record(11, 8), 0}});
  for (const std::uint64_t next : {10U, 11U, 3U}) {
    bench.batcher.release(8);
    bench.batcher.released();
    batch = bench.batcher.take();
    CHECK(ids(*batch) == Ids{next});
    CHECK(batch->packed().all()[0].record.flags == (next == 3 ? kMergeable : kSingle));
  }
}

TEST_CASE("A batcher is idle when nothing is packed, ready or waiting") {
  Bench bench({10, 1 << 20, 1h});
  CHECK(bench.batcher.idle());
  bench.place({record(1, 7), record(2, 7)});
  CHECK_FALSE(bench.batcher.idle());
  CHECK(bench.take() == Ids{1});
  CHECK_FALSE(bench.batcher.idle());
  bench.batcher.release(7);
  CHECK_FALSE(bench.batcher.idle());
  bench.batcher.released();
  CHECK(bench.take() == Ids{2});
  CHECK(bench.batcher.idle());
}

TEST_CASE(
    "Under random traffic every record leaves once, users in order and in one unfinished batch at most") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Bench bench({20, 15 + 101 * 15, 1s}, 50);
    const std::uint64_t user_count = seed % 2 == 0 ? 10 : 500;
    std::map<std::uint64_t, std::deque<std::uint64_t>> expected;
    std::vector<Record> all;
    for (std::uint64_t id = 1; id <= 5000; ++id) {
      const auto user = random() % user_count + 1;
      all.push_back(record(id, user, random() % 150));
      expected[user].push_back(id);
    }
    bench.place(all);
    std::deque<std::unique_ptr<OpenBatch>> flying;
    std::set<std::uint64_t> busy;
    std::size_t left = all.size();
    for (int step = 0; left > 0 && step < 100'000; ++step) {
      if (flying.size() < 4 && random() % 2 == 0) {
        bench.timers.run_for(bench.loop, 1s);
        if (!bench.batcher.is_due())
          continue;
        const auto operations = bench.batcher.due_operations();
        auto batch = bench.batcher.take();
        REQUIRE(batch->records() == operations);
        REQUIRE(batch->records() <= 20);
        REQUIRE((batch->records() == 1 || batch->body_bytes() <= 15 + 101 * 15));
        for (const auto& item : batch->packed().all()) {
          REQUIRE(busy.insert(item.record.user).second);
          REQUIRE(expected[item.record.user].front() == item.record.offset);
          expected[item.record.user].pop_front();
          --left;
        }
        flying.push_back(std::move(batch));
      } else if (!flying.empty()) {
        const auto which = flying.begin() + static_cast<std::ptrdiff_t>(random() % flying.size());
        for (const auto& item : (*which)->packed().all()) {
          busy.erase(item.record.user);
          bench.batcher.release(item.record.user);
        }
        flying.erase(which);
        bench.batcher.released();
      }
      bench.poll();
    }
    CHECK(left == 0);
    CHECK(bench.placed == 1);
    CHECK(bench.batcher.idle());
  }
}
