#include "usherd/app/places.hpp"

#include "tests/unit/submit/loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

using namespace usherd;

namespace {

using Users = std::vector<std::uint64_t>;

/// Batches of one record a user.
struct Bench {
  explicit Bench(std::uint32_t batches, std::uint64_t operations) : budget(batches, operations) {}
  ~Bench() {
    places.stop();
    loop.poll();
  }

  test::Loop loop;
  InProgressBudget budget;
  Batcher batcher{loop.executor(), loop.timers, BatchLimits{}, 1000};
  Places places{loop.executor(), budget, batcher};

  std::unique_ptr<ActiveBatch> frozen(BatchId id, const Users& users) const {
    auto batch = std::make_unique<ActiveBatch>();
    batch->row.id = id;
    batch->row.users = users;
    for (std::size_t i = 0; i < users.size(); ++i)
      batch->row.manifest.runs.push_back({1, i * 10, 10, i + 1, 1});
    return batch;
  }
  /// One that has its place and its users.
  std::unique_ptr<ActiveBatch> in_progress(BatchId id, const Users& users) {
    auto batch = frozen(id, users);
    places.take_new(users.size());
    batch->has_place = true;
    for (const auto user : users)
      batcher.order().hold(user);
    return batch;
  }
  std::unique_ptr<ActiveBatch> heir(BatchId id, const Users& users, const Estate& estate) const {
    auto batch = frozen(id, users);
    batch->row.heir_of = estate.root;
    return batch;
  }
  [[nodiscard]] std::size_t held_users() { return batcher.order().held_keys(); }
};

}  // namespace

TEST_CASE("An abandoned key keeps its place until the job that replaced it has ended") {
  Bench bench(3, 100);
  const auto batch = bench.in_progress(1, {1, 2});
  bench.budget.leave_to_key(batch->operations());
  batch->has_place = false;
  ++batch->row.abandoned;
  CHECK(bench.loop.run(bench.places.wait_in_line(*batch)));
  CHECK(bench.budget.batches() == 2);
  CHECK(bench.budget.operations() == 4);
  bench.places.ended(*batch);
  CHECK(bench.budget.batches() == 0);
  CHECK(bench.held_users() == 0);
}

TEST_CASE("A batch that draws errors over abandoned keys lets the next in line go, until that has ended") {
  Bench bench(2, 100);
  bench.budget.take_keys(2, 4);
  const auto left = bench.frozen(1, {1, 2});
  const auto right = bench.frozen(2, {3, 4});
  for (const std::uint64_t user : {3, 4})
    bench.batcher.order().hold(user);
  CHECK(bench.loop.run(bench.places.wait_in_line(*left)));
  const auto next = bench.loop.start(bench.places.wait_in_line(*right));
  CHECK_FALSE(next->done());
  bench.places.stand_back(*left);
  bench.loop.poll();
  CHECK(next->done());
  // What it holds of the limits it keeps.
  CHECK(bench.budget.batches() == 4);
  CHECK(bench.budget.operations() == 8);
  const auto again = bench.loop.start(bench.places.step_forward(*left));
  CHECK_FALSE(again->done());
  bench.places.ended(*right);
  bench.loop.poll();
  CHECK(again->done());
  CHECK(left->is_posting);
  CHECK(bench.budget.batches() == 3);
}

TEST_CASE("A halved batch's abandoned keys keep their places and users until the last half has ended") {
  Bench bench(10, 100);
  const auto batch = bench.in_progress(1, {1, 2, 3, 4});
  batch->row.abandoned = 1;
  bench.budget.take_keys(1, 4);
  const auto estate = Places::estate_of(*batch, true);
  CHECK(estate.root == 1);
  CHECK(estate.keys == 2);
  CHECK(estate.operations == 8);
  bench.places.divided(*batch, estate, 2);
  CHECK(bench.budget.batches() == 2);
  CHECK(bench.budget.operations() == 8);

  const auto left = bench.heir(2, {1, 2}, estate);
  const auto right = bench.heir(3, {3, 4}, estate);
  CHECK(bench.loop.run(bench.places.wait_in_line(*left)));
  CHECK(bench.loop.run(bench.places.wait_in_line(*right)));
  CHECK(bench.budget.batches() == 4);
  bench.places.ended(*left);
  CHECK(bench.budget.batches() == 3);
  CHECK(bench.budget.operations() == 10);
  CHECK(bench.held_users() == 4);

  SUBCASE("a half that ends frees all of it") {
    bench.places.ended(*right);
    CHECK(bench.budget.batches() == 0);
    CHECK(bench.budget.operations() == 0);
    CHECK(bench.held_users() == 0);
  }
  SUBCASE("a half that is halved in its turn adds its own key to the family") {
    const auto again = Places::estate_of(*right, true);
    CHECK(again.root == 1);
    CHECK(again.keys == 1);
    bench.places.divided(*right, again, 2);
    const auto third = bench.heir(4, {3}, again);
    const auto fourth = bench.heir(5, {4}, again);
    CHECK(bench.loop.run(bench.places.wait_in_line(*third)));
    CHECK(bench.loop.run(bench.places.wait_in_line(*fourth)));
    bench.places.ended(*third);
    CHECK(bench.budget.batches() == 4);
    CHECK(bench.held_users() == 4);
    bench.places.ended(*fourth);
    CHECK(bench.budget.batches() == 0);
    CHECK(bench.budget.operations() == 0);
    CHECK(bench.held_users() == 0);
  }
}

TEST_CASE("The parts of the batch that was divided last go first, those of one in their order") {
  Bench bench(1, 100);
  const auto blocks = bench.in_progress(1, {9});
  std::vector<BatchId> went;
  std::vector<std::unique_ptr<ActiveBatch>> batches;
  const auto wait = [&](BatchId id, std::int64_t ahead) {
    auto& batch = *batches.emplace_back(bench.frozen(id, {id}));
    batch.ahead = ahead;
    auto turn = [](Bench& world, ActiveBatch& one,
                   std::vector<BatchId>& order) -> boost::asio::awaitable<bool> {
      const bool counted = co_await world.places.wait_in_line(one);
      if (counted)
        order.push_back(one.row.id);
      co_return counted;
    };
    static_cast<void>(bench.loop.start(turn(bench, batch, went)));
  };
  wait(2, 0);
  const auto large = bench.in_progress(3, {7, 8});
  const auto first = bench.places.divided(*large, Places::estate_of(*large, false), 2);
  wait(4, first);
  wait(5, first);
  const auto small = bench.in_progress(6, {5, 6});
  const auto second = bench.places.divided(*small, Places::estate_of(*small, false), 2);
  wait(7, second);
  wait(8, second);
  CHECK(bench.places.waiting() == 5);
  bench.places.ended(*blocks);
  bench.loop.poll();
  for (std::size_t turn = 1; turn < 5; ++turn) {
    REQUIRE(went.size() == turn);
    const auto done = std::find_if(batches.begin(), batches.end(),
                                   [&](const auto& batch) { return batch->row.id == went.back(); });
    bench.places.ended(**done);
    bench.loop.poll();
  }
  CHECK(went == std::vector<BatchId>{7, 8, 4, 5, 2});
}

TEST_CASE("A division that proves nothing ran leaves nothing behind") {
  Bench bench(10, 100);
  const auto batch = bench.in_progress(1, {1, 2});
  const auto estate = Places::estate_of(*batch, false);
  CHECK(estate.root == 0);
  bench.places.divided(*batch, estate, 2);
  CHECK(bench.budget.batches() == 0);
  // Its users stay with the halves.
  CHECK(bench.held_users() == 2);
  const auto half = bench.heir(2, {1}, estate);
  CHECK(bench.loop.run(bench.places.wait_in_line(*half)));
  bench.places.ended(*half);
  CHECK(bench.held_users() == 1);
}

TEST_CASE("Halves wait in line for their places, in order and ahead of new batches") {
  Bench bench(2, 100);
  const auto running = bench.in_progress(1, {1});
  const auto divided = bench.in_progress(2, {2, 3, 4});
  bench.places.divided(*divided, Places::estate_of(*divided, false), 2);
  const auto first = bench.frozen(3, {2, 3});
  const auto second = bench.frozen(4, {4});
  const auto first_in = bench.loop.start(bench.places.wait_in_line(*first));
  CHECK(first_in->done());
  const auto second_in = bench.loop.start(bench.places.wait_in_line(*second));
  CHECK_FALSE(second_in->done());
  CHECK(bench.places.waiting() == 1);
  bench.budget.configure(3, 2);
  bench.places.changed();
  bench.loop.poll();
  CHECK_FALSE(second_in->done());
  bench.budget.configure(2, 100);
  bench.places.ended(*running);
  // The place that became free is not a new batch's.
  CHECK_FALSE(bench.places.admits_new(1));
  bench.loop.poll();
  CHECK(second_in->done());
  CHECK(second->has_place);
  CHECK(bench.budget.batches() == 2);
  bench.places.ended(*first);
  CHECK(bench.places.admits_new(1));
}

TEST_CASE("With a budget of one batch a batch whose key was abandoned still goes") {
  Bench bench(1, 10);
  const auto batch = bench.in_progress(1, {1});
  bench.budget.leave_to_key(batch->operations());
  batch->has_place = false;
  ++batch->row.abandoned;
  CHECK(bench.loop.start(bench.places.wait_in_line(*batch))->done());
  CHECK_FALSE(bench.places.admits_new(1));
  bench.places.ended(*batch);
  CHECK(bench.places.admits_new(1));
}

TEST_CASE(
    "After a restart what may have been sent is in progress, what was not waits, and families live on") {
  Bench bench(3, 100);
  bench.places.recover(Estate{1, 1, 4, {1, 2}});
  auto accepted = bench.frozen(2, {3});
  accepted->row.state = BatchState::accepted;
  accepted->row.heir_of = 1;
  auto sent = bench.frozen(3, {4});
  sent->row.sent = SendTime{};
  auto unsent = bench.frozen(4, {5});
  for (const auto& batch : {accepted.get(), sent.get(), unsent.get()})
    bench.places.recover(*batch);
  CHECK(bench.budget.batches() == 3);
  CHECK(bench.budget.operations() == 6);
  CHECK(bench.held_users() == 5);
  const auto waits = bench.loop.start(bench.places.wait_in_line(*unsent));
  CHECK_FALSE(waits->done());
  bench.places.ended(*accepted);
  bench.loop.poll();
  CHECK(waits->done());
  // The family's key, its users and the user of the batch that ended are free with it.
  CHECK(bench.held_users() == 2);
  CHECK(bench.budget.batches() == 2);
}

TEST_CASE("Who waits in line is sent home when we stop") {
  Bench bench(1, 10);
  const auto running = bench.in_progress(1, {1});
  const auto waiting = bench.frozen(2, {2});
  const auto in = bench.loop.start(bench.places.wait_in_line(*waiting));
  CHECK_FALSE(in->done());
  bench.places.stop();
  bench.loop.poll();
  REQUIRE(in->value);
  CHECK_FALSE(*in->value);
  CHECK_FALSE(waiting->has_place);
}

TEST_CASE("Beside a shrunken budget a batch from the line has the only turn until it gives way") {
  Bench bench(10, 100);
  for (int i = 0; i < 8; ++i) {
    bench.budget.take(1);
    bench.budget.end_post(1);
  }
  bench.budget.take(1);
  bench.budget.refused(1, BootTime{});
  bench.budget.end_post(1);
  for (int i = 0; i < 7; ++i)
    bench.budget.give_back(1);
  REQUIRE(bench.budget.usable_batches() == 7);
  const auto batch = bench.frozen(1, {1});
  CHECK(bench.loop.run(bench.places.wait_in_line(*batch)));
  CHECK(batch->is_posting);
  CHECK_FALSE(bench.places.admits_new(1));
  bench.places.give_way(*batch);
  CHECK_FALSE(batch->is_posting);
  CHECK(bench.places.admits_new(1));
}

TEST_CASE("What cannot be frozen gives its place back until enough stands aside") {
  Bench bench(1, 10);
  for (std::size_t i = 0; i < Places::kMostAside; ++i) {
    bench.places.take_new(2);
    CHECK(bench.places.step_aside(2));
    CHECK(bench.budget.batches() == 0);
    CHECK(bench.places.admits_new(2));
  }
  bench.places.take_new(2);
  CHECK_FALSE(bench.places.step_aside(2));
  CHECK(bench.budget.batches() == 1);
  bench.places.step_back(2);
  CHECK(bench.places.step_aside(2));
  CHECK(bench.budget.batches() == 0);
}

TEST_CASE("Large batches that cannot be frozen are fewer, but one may always stand aside") {
  Bench bench(10, 10'000'000);
  bench.places.take_new(Places::kMostOperationsAside + 1);
  CHECK(bench.places.step_aside(Places::kMostOperationsAside + 1));
  bench.places.take_new(1);
  CHECK_FALSE(bench.places.step_aside(1));
}
