#include "usherd/poll/poller.hpp"

#include "tests/unit/submit/api_bench.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>

namespace usherd::test {
namespace {

using namespace std::chrono_literals;

struct PollerBench {
  ApiBench bench;
  PollSchedule schedule{1};
  Random random{1};
  Poller poller{Poller::Parts{bench.api, schedule, bench.loop.timers, random, *bench.log, 0ms}};
  ActiveBatch first = accepted(1, "job 1");
  ActiveBatch second = accepted(2, "job 2");

  static ActiveBatch accepted(BatchId id, std::string job) {
    ActiveBatch batch;
    batch.row.id = id;
    batch.row.state = BatchState::accepted;
    batch.row.job = std::move(job);
    batch.row.users = {1};
    return batch;
  }
  static std::string ended(const std::string& job) {
    return R"({"imports":1,"errors":0,"job":{"id":")" + job + R"(","status":"COMPLETED"}})";
  }
  [[nodiscard]] std::shared_ptr<Pending<JobSeen>> follow(const ActiveBatch& batch) {
    return bench.loop.start(poller.follow(batch, bench.loop.now()));
  }
};

TEST_CASE("an answer that names the job of another batch ends nothing: the job is asked about again") {
  PollerBench poll;
  poll.bench.transport.push(fakes::answered(200, PollerBench::ended("job 1")));
  const auto first = poll.follow(poll.first);
  poll.bench.loop.pass(1min);
  REQUIRE(first->done());
  CHECK(first->value->end == JobSeen::End::finished);
  // It came once more, as that of the next question.
  poll.bench.transport.push(fakes::answered(200, PollerBench::ended("job 1")));
  const auto second = poll.follow(poll.second);
  poll.bench.loop.pass(10s);
  const auto asked = poll.bench.sent();
  CHECK(asked >= 2);
  CHECK_FALSE(second->done());
  poll.bench.transport.push(fakes::answered(200, PollerBench::ended("job 2")));
  poll.bench.loop.pass(3min);
  CHECK(poll.bench.sent() > asked);
  REQUIRE(second->done());
  CHECK(second->value->answer.id == "job 2");
}

TEST_CASE("ids may be written another way: an unknown one is taken for the batch's own") {
  PollerBench poll;
  poll.bench.transport.push(fakes::answered(200, PollerBench::ended("job-1=")));
  const auto first = poll.follow(poll.first);
  poll.bench.loop.pass(1min);
  REQUIRE(first->done());
  CHECK(first->value->end == JobSeen::End::finished);
}

boost::asio::awaitable<Result<void>> take(ResultPage) {
  co_return Result<void>{};
}

TEST_CASE("pages that are not given out are asked for until the job is given up, by its timeout or by hand") {
  PollerBench poll;
  for (int i = 0; i < 20; ++i)
    poll.bench.transport.push(fakes::answered(202, "{}"));
  const auto read =
      poll.bench.loop.start(poll.poller.read_pages(poll.first, poll.bench.loop.now(), Call::errors, take));
  poll.bench.loop.pass(1min);
  CHECK(poll.bench.sent() > 2);
  REQUIRE_FALSE(read->done());
  SUBCASE("by hand") {
    poll.first.is_abandoned = true;
    poll.bench.loop.pass(1min);
    REQUIRE(read->done());
    CHECK(read->value == PagesEnd::stopped);
  }
  SUBCASE("by its timeout") {
    poll.poller.set_job_timeout(1min);
    poll.bench.loop.pass(1min);
    REQUIRE(read->done());
    CHECK(read->value == PagesEnd::timed_out);
  }
}

}  // namespace
}  // namespace usherd::test
