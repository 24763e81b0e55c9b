#include "usherd/batch/batcher.hpp"

#include "tests/fakes/manual_timers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <deque>
#include <exception>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

using namespace usherd;
using usherd::fakes::ManualTimers;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// Records that stand one behind the other, but for a blank line here and there.
class Lines {
 public:
  void add(std::uint64_t user, std::uint32_t length, std::uint64_t second = 0) {
    records_.push_back({.user = user, .second = second, .offset = offset_, .line = line_, .length = length});
    offset_ += length + 1;
    ++line_;
  }
  void add_blank() {
    ++offset_;
    ++line_;
  }
  [[nodiscard]] const std::vector<Record>& records() const { return records_; }

 private:
  std::vector<Record> records_;
  std::uint64_t offset_ = 0;
  std::uint64_t line_ = 1;
};

using Batch = std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>>;

struct Bench {
  explicit Bench(BatchLimits limits) : batcher(loop.get_executor(), timers, limits, 1000) {
    batcher.set_flushing(true);
  }

  asio::io_context loop;
  ManualTimers timers{loop.get_executor()};
  Batcher batcher;

  static asio::awaitable<void> place_all(Batcher& batcher, std::vector<CheckedBlock> blocks) {
    for (const auto& block : blocks)
      co_await batcher.place(block, 0);
  }
  static void rethrow(std::exception_ptr thrown) {
    if (thrown)
      std::rethrow_exception(thrown);
  }

  /// All batches that come of the records, placed so many at a time; each but the last two has ended when
  /// the next one is taken.
  std::vector<Batch> batches(const std::vector<Record>& records, std::size_t at_a_time) {
    std::vector<CheckedBlock> blocks;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (i % at_a_time == 0)
        blocks.emplace_back();
      blocks.back().records.add(records[i]);
    }
    asio::co_spawn(loop, place_all(batcher, std::move(blocks)), rethrow);
    loop.poll();
    std::vector<Batch> out;
    std::deque<std::vector<QueuedRecord>> under_way;
    while (!batcher.idle() || !under_way.empty()) {
      if (batcher.is_due()) {
        const auto batch = batcher.take();
        bytes_.push_back(batch->body_bytes());
        under_way.push_back(batch->packed().all());
        auto& taken = out.emplace_back();
        for (const auto& [record, file] : under_way.back())
          taken.emplace_back(record.offset, record.line, record.user, record.second);
      }
      if (under_way.size() > 2 || !batcher.is_due()) {
        for (const auto& [record, file] : under_way.front()) {
          batcher.release(record.user);
          if (record.second != 0)
            batcher.release(record.second);
        }
        under_way.pop_front();
        batcher.released();
      }
      loop.restart();
      loop.poll();
    }
    return out;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint64_t> bytes_;
};

}  // namespace

TEST_CASE("Lines one behind the other are packed as they would be one by one, within the limits") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Lines lines;
    for (int i = 0; i < 300; ++i) {
      if (random() % 10 == 0)
        lines.add_blank();
      const auto user = 1 + random() % 200;
      const bool has_second = random() % 10 == 0;
      // Never the first key again: the two are hashes of different things.
      const auto second = has_second ? 1 + (user + random() % 199) % 200 : 0;
      lines.add(user, 10 + random() % 200, second);
    }
    const BatchLimits limits{static_cast<std::uint32_t>(1 + random() % 60), 300 + random() % 5000, 1s};
    Bench together(limits);
    Bench apart(limits);
    const auto batches = together.batches(lines.records(), 1 + random() % 300);
    CHECK(batches == apart.batches(lines.records(), 1));
    std::size_t records = 0;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      records += batches[i].size();
      CHECK(batches[i].size() <= limits.records);
      CHECK(together.bytes()[i] <= limits.bytes);
    }
    CHECK(records == lines.records().size());
  }
}

TEST_CASE("A record of two keys waits for whichever is held, also in the midst of others that are free") {
  Lines lines;
  lines.add(1, 50);
  lines.add(2, 50, 1);
  lines.add(3, 50);
  lines.add(4, 50, 5);
  lines.add(5, 50);
  Bench bench({100, 1 << 20, 1s});
  const auto batches = bench.batches(lines.records(), 5);
  REQUIRE(batches.size() == 2);
  CHECK(batches[0].size() == 3);
  const auto offset_of = [](const auto& taken) { return std::get<0>(taken); };
  CHECK(offset_of(batches[1].front()) == lines.records()[1].offset);
  CHECK(offset_of(batches[1].back()) == lines.records()[4].offset);
}

TEST_CASE("A run of lines keeps each of the blocks that it stands in") {
  Lines lines;
  for (std::uint64_t user = 1; user <= 4; ++user)
    lines.add(user, 100);
  BlockPool pool(2, 64);
  const auto first = pool.take();
  const auto second = pool.take();
  std::vector<CheckedBlock> blocks(1);
  for (const auto& record : lines.records())
    blocks.front().records.add(record);
  blocks.front().blocks = {{first, 0, 202}, {second, 202, 404}};
  Bench bench({100, 1 << 20, 1s});
  asio::co_spawn(bench.loop, Bench::place_all(bench.batcher, std::move(blocks)), Bench::rethrow);
  bench.loop.poll();
  const auto batch = bench.batcher.take();
  CHECK(batch->records() == 4);
  const auto kept = batch->take_kept();
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].block.bytes == first);
  CHECK(kept[1].block.bytes == second);
}
