#include "usherd/poll/poller.hpp"

#include "tests/unit/submit/api_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace usherd::test {
namespace {

using namespace std::chrono_literals;

struct PollerBench {
  ApiBench bench;
  PollSchedule schedule{1};
  Random random{1};
  Poller poller{
      Poller::Parts{bench.loop.executor(), bench.api, schedule, bench.loop.timers, random, *bench.log, 0ms}};
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

TEST_CASE("a job that grew too old while nobody could ask is asked before it is given up") {
  PollerBench poll;
  poll.poller.set_job_timeout(1h);
  poll.bench.loop.pass(100h);
  const auto three_days_ago = poll.bench.loop.now() - 72h;
  const auto follow = [&] { return poll.bench.loop.start(poll.poller.follow(poll.first, three_days_ago)); };
  const auto always = [&](const Exchange& answer) {
    poll.bench.transport.handle([answer](const Request&, const std::string&) { return answer; });
  };
  const std::string goes_on = R"({"job":{"id":"job 1","status":"PROCESSING"}})";
  SUBCASE("it has ended") {
    always(fakes::answered(200, PollerBench::ended("job 1")));
    const auto seen = follow();
    poll.bench.loop.pass(1min);
    REQUIRE(seen->done());
    CHECK(seen->value->end == JobSeen::End::finished);
  }
  SUBCASE("it goes on: one question is enough") {
    always(fakes::answered(200, goes_on));
    const auto seen = follow();
    poll.bench.loop.pass(1min);
    REQUIRE(seen->done());
    CHECK(seen->value->end == JobSeen::End::timed_out);
    CHECK(poll.bench.sent() == 1);
  }
  SUBCASE("the API does not find it") {
    always(fakes::answered(404, "{}"));
    const auto seen = follow();
    poll.bench.loop.pass(1min);
    REQUIRE(seen->done());
    CHECK(seen->value->end == JobSeen::End::vanished);
  }
  SUBCASE("as long as nobody answers it stays") {
    always(fakes::lost(Progress::nothing));
    const auto seen = follow();
    poll.bench.loop.pass(5h);
    CHECK(poll.bench.sent() > 2);
    REQUIRE_FALSE(seen->done());
    always(fakes::answered(200, PollerBench::ended("job 1")));
    poll.bench.loop.pass(5min);
    REQUIRE(seen->done());
    CHECK(seen->value->end == JobSeen::End::finished);
  }
  SUBCASE("a server that stumbles is waited for, ten minutes") {
    always(fakes::answered(503, "{}"));
    const auto seen = follow();
    poll.bench.loop.pass(5min);
    REQUIRE_FALSE(seen->done());
    poll.bench.loop.pass(7min);
    REQUIRE(seen->done());
    CHECK(seen->value->end == JobSeen::End::timed_out);
  }
}

TEST_CASE("a job last seen running before its time had passed is asked once more when it has passed") {
  PollerBench poll;
  poll.poller.set_job_timeout(1h);
  const std::string goes_on = R"({"job":{"id":"job 1","status":"PROCESSING"}})";
  poll.bench.transport.handle(
      [&](const Request&, const std::string&) { return fakes::answered(200, goes_on); });
  const auto seen = poll.follow(poll.first);
  poll.bench.loop.pass(59min);
  REQUIRE_FALSE(seen->done());
  poll.bench.transport.handle(
      [](const Request&, const std::string&) { return fakes::lost(Progress::nothing); });
  poll.bench.loop.pass(3h);
  REQUIRE_FALSE(seen->done());
  poll.bench.transport.handle(
      [](const Request&, const std::string&) { return fakes::answered(200, PollerBench::ended("job 1")); });
  poll.bench.loop.pass(5min);
  REQUIRE(seen->done());
  CHECK(seen->value->end == JobSeen::End::finished);
}

boost::asio::awaitable<Result<void>> take(PageAtHand) {
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
    CHECK(read->value->end == PagesEnd::stopped);
  }
  SUBCASE("by its timeout") {
    poll.poller.set_job_timeout(1min);
    poll.bench.loop.pass(1min);
    REQUIRE(read->done());
    CHECK(read->value->end == PagesEnd::timed_out);
  }
}

TEST_CASE("the pages of a job that grew too old are not given up at the first stumble") {
  PollerBench poll;
  poll.poller.set_job_timeout(1h);
  poll.bench.loop.pass(100h);
  poll.bench.transport.push(fakes::lost(Progress::nothing));
  poll.bench.transport.push(fakes::answered(503, "{}"));
  poll.bench.transport.push(fakes::answered(202, "{}"));
  poll.bench.transport.push(fakes::answered(200, R"({"results":[]})"));
  const auto three_days_ago = poll.bench.loop.now() - 72h;
  const auto read =
      poll.bench.loop.start(poll.poller.read_pages(poll.first, three_days_ago, Call::errors, take));
  poll.bench.loop.pass(2min);
  REQUIRE(read->done());
  CHECK(read->value->end == PagesEnd::complete);
}

TEST_CASE("a page that stays unreadable is told from one whose token may have grown too old") {
  PollerBench poll;
  const auto read = [&] {
    return poll.bench.loop.start(
        poll.poller.read_pages(poll.first, poll.bench.loop.now(), Call::errors, take));
  };
  poll.bench.transport.handle([](const Request&, const std::string&) { return fakes::answered(400, "{}"); });
  SUBCASE("the first") {
    const auto pages = read();
    poll.bench.loop.pass(20min);
    REQUIRE(pages->done());
    CHECK(pages->value->end == PagesEnd::unreadable);
    CHECK(pages->value->why == "HTTP 400");
  }
  SUBCASE("one that is no page") {
    poll.bench.transport.handle(
        [](const Request&, const std::string&) { return fakes::answered(200, "<p>"); });
    const auto pages = read();
    poll.bench.loop.pass(20min);
    REQUIRE(pages->done());
    CHECK(pages->value->end == PagesEnd::unreadable);
    CHECK(pages->value->why == "the page is no JSON object");
  }
  SUBCASE("the second") {
    poll.bench.transport.push(fakes::answered(200, R"({"results":[],"next_page_token":"t"})"));
    const auto pages = read();
    poll.bench.loop.pass(20min);
    REQUIRE(pages->done());
    CHECK(pages->value->end == PagesEnd::stale);
    CHECK(pages->value->why == "HTTP 400");
  }
}

TEST_CASE("pages wait while everything is sent elsewhere") {
  PollerBench poll;
  unsigned status = 302;
  poll.bench.transport.handle(
      [&](const Request&, const std::string&) { return fakes::answered(status, R"({"results":[]})"); });
  const auto read =
      poll.bench.loop.start(poll.poller.read_pages(poll.first, poll.bench.loop.now(), Call::errors, take));
  poll.bench.loop.pass(1h);
  CHECK_FALSE(read->done());
  status = 200;
  poll.bench.loop.pass(1min);
  REQUIRE(read->done());
  CHECK(read->value->end == PagesEnd::complete);
}

TEST_CASE("a page that is too large is asked for twice, not twenty times") {
  PollerBench poll;
  poll.bench.transport.handle([](const Request&, const std::string&) {
    Exchange exchange;
    exchange.progress = Progress::answer_started;
    exchange.failure = Error{Errc::too_large, "answer larger than 16777216 bytes"};
    return exchange;
  });
  const auto pages =
      poll.bench.loop.start(poll.poller.read_pages(poll.first, poll.bench.loop.now(), Call::errors, take));
  poll.bench.loop.pass(1min);
  REQUIRE(pages->done());
  CHECK(pages->value->end == PagesEnd::unreadable);
  CHECK(pages->value->why == "answer larger than 16777216 bytes");
  CHECK(poll.bench.sent() == 2);
}

/// A server whose pages are so long; what does not fit into what the client takes is not sent.
fakes::ScriptedTransport::Handler pages_of(std::size_t bytes) {
  return [bytes](const Request& request, const std::string&) {
    if (bytes <= request.most_response_bytes)
      return fakes::answered(200, R"({"results":[{"code":")" + std::string(bytes - 25, 'c') + R"("}]})");
    auto exchange = fakes::lost(Progress::answer_started, Errc::too_large);
    exchange.failure->message = "too large";
    return exchange;
  };
}

TEST_CASE("a page as long as the batch's own records may make it is read") {
  PollerBench poll;
  poll.first.row.body_length = 8U << 20;
  const std::size_t longest = 6 * (std::size_t{8} << 20) + 1024;
  std::size_t taken = 0;
  const auto note = [&](PageAtHand page) -> boost::asio::awaitable<Result<void>> {
    taken = page.page.bytes();
    co_return Result<void>{};
  };
  const auto read = [&](std::size_t bytes) {
    poll.bench.transport.handle(pages_of(bytes));
    return poll.bench.loop.start(
        poll.poller.read_pages(poll.first, poll.bench.loop.now(), Call::errors, note));
  };
  SUBCASE("the longest") {
    const auto pages = read(longest);
    poll.bench.loop.pass(1ms);
    REQUIRE(pages->done());
    CHECK(pages->value->end == PagesEnd::complete);
    CHECK(taken == longest);
    CHECK(poll.bench.sent() == 2);
  }
  SUBCASE("one that is longer still") {
    const auto pages = read(longest + 1);
    poll.bench.loop.pass(1min);
    REQUIRE(pages->done());
    CHECK(pages->value->end == PagesEnd::unreadable);
    CHECK(pages->value->why == "too large");
    CHECK(poll.bench.sent() == 3);
  }
}

/// Readers of the pages of many jobs, and what takes these pages.
struct ManyReaders {
  PollerBench poll;
  std::vector<ActiveBatch> batches;
  std::vector<std::shared_ptr<Pending<PagesRead>>> readers;
  std::vector<PageAtHand> held;  ///< those that are not taken yet

  void read(int jobs, const Poller::OnPage& on_page, std::uint64_t body_length = 0) {
    for (int i = 0; i < jobs; ++i) {
      batches.push_back(PollerBench::accepted(static_cast<BatchId>(i) + 1, "job " + std::to_string(i)));
      batches.back().row.body_length = body_length;
    }
    for (const auto& batch : batches)
      readers.push_back(
          poll.bench.loop.start(poll.poller.read_pages(batch, poll.bench.loop.now(), Call::errors, on_page)));
    poll.bench.loop.pass(1ms);
  }
  [[nodiscard]] std::size_t done() const {
    return static_cast<std::size_t>(
        std::count_if(readers.begin(), readers.end(), [](const auto& one) { return one->done(); }));
  }
  boost::asio::awaitable<Result<void>> hold(PageAtHand page) {
    held.push_back(std::move(page));
    co_return Result<void>{};
  }
};

TEST_CASE("of the pages of all jobs few are under way at once, until they are taken") {
  ManyReaders many;
  auto& transport = many.poll.bench.transport;
  transport.handle(
      [](const Request&, const std::string&) { return fakes::answered(200, R"({"results":[]})"); });
  SUBCASE("while they are asked for") {
    transport.hold();
    many.read(20, take);
    CHECK(transport.busy() == Poller::kPagesAtOnce);
    transport.release();
  }
  SUBCASE("while they wait to be taken") {
    many.read(20, [&](PageAtHand page) { return many.hold(std::move(page)); });
    CHECK(many.poll.bench.sent() == Poller::kPagesAtOnce);
    while (!many.held.empty()) {
      many.held.pop_back();
      many.poll.bench.loop.pass(1ms);
    }
  }
  SUBCASE("not while the API gives none out") {
    for (std::size_t i = 0; i < Poller::kPagesAtOnce; ++i)
      transport.push(fakes::answered(202, "{}"));
    many.read(20, take);
    CHECK(many.done() == 20 - Poller::kPagesAtOnce);
    many.poll.bench.loop.pass(1min);
  }
  many.poll.bench.loop.pass(1ms);
  CHECK(many.done() == 20);
}

TEST_CASE("a long page is held alone") {
  ManyReaders many;
  many.poll.bench.transport.handle(pages_of(kMostResultPageBytes + 1));
  many.read(
      6, [&](PageAtHand page) { return many.hold(std::move(page)); }, kMostResultPageBytes);
  for (std::size_t taken = 1; taken <= 6; ++taken) {
    REQUIRE(many.held.size() == 1);
    CHECK(many.done() == taken);
    many.held.clear();
    many.poll.bench.loop.pass(1ms);
  }
  CHECK(many.held.empty());
}

TEST_CASE("those that wait for a page when the service stops get none") {
  ManyReaders many;
  many.read(20, [&](PageAtHand page) { return many.hold(std::move(page)); });
  many.poll.bench.gate.close();
  many.held.clear();
  many.poll.bench.loop.pass(1min);
  CHECK(many.done() == 20);
}

TEST_CASE("a page that could not be taken is asked for again") {
  ManyReaders many;
  auto& transport = many.poll.bench.transport;
  transport.push(fakes::answered(200, R"({"results":[],"next_page_token":"t"})"));
  transport.handle(
      [](const Request&, const std::string&) { return fakes::answered(200, R"({"results":[]})"); });
  int pages = 0;
  const auto not_the_second = [&](const PageAtHand&) -> boost::asio::awaitable<Result<void>> {
    if (++pages == 2)
      co_return Error{Errc::unavailable, "not now"};
    co_return Result<void>{};
  };
  many.read(1, not_the_second);
  REQUIRE(many.done() == 1);
  CHECK(many.readers[0]->value->end == PagesEnd::complete);
  REQUIRE(transport.requests().size() == 3);
  CHECK(transport.requests()[2].target == transport.requests()[1].target);
}

}  // namespace
}  // namespace usherd::test
