#include "usherd/submit/submitter.hpp"

#include "tests/unit/submit/submit_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

using namespace usherd;
using usherd::fakes::answered;
using usherd::test::job;
using usherd::test::SubmitBench;
using namespace std::chrono_literals;

TEST_CASE("A batch that backs off again and again lets others go, and says so once") {
  SubmitBench bench;
  bench.answer_always(answered(502, "<html>"));
  unsigned steps = 0;
  const auto done =
      bench.bench.loop.start(bench.submitter.submit(*bench.batch(1), {[&steps] { ++steps; }, {}, {}}));
  while (bench.keys().size() < 2)
    bench.bench.loop.pass(100ms);
  CHECK(steps == 0);
  bench.bench.loop.pass(10min);
  CHECK(bench.keys().size() > 8);
  CHECK(steps == 1);
  CHECK_FALSE(done->done());
}

TEST_CASE(
    "An answer that names the job of another batch is none: the connection is closed and the key stays") {
  SubmitBench bench;
  bench.bench.transport.push(job("first"));
  REQUIRE(bench.submit(*bench.batch(1))->value->end == SubmitEnd::accepted);
  auto* second = bench.batch(1);
  const auto key = second->row.key;
  bench.bench.transport.push(job("first"));
  bench.bench.transport.push(job("second"));
  const auto closed = bench.bench.transport.closed();
  const auto done = bench.submit(*second);
  bench.bench.loop.pass(1min);
  REQUIRE(done->value);
  CHECK(done->value->end == SubmitEnd::accepted);
  CHECK(second->row.job == "second");
  CHECK(second->row.key == key);
  CHECK(second->history.unanswered);
  CHECK(bench.bench.transport.closed() == closed + 1);
}

TEST_CASE("Where abandoned keys hold all other places a batch goes on by itself, five minutes apart") {
  SubmitBench bench;
  bench.answer_always(answered(500, "{}"));
  auto* batch = bench.batch(1);
  batch->rekeyed_for_errors = 1;
  bench.budget.take_keys(88, 88);
  const auto done = bench.submit(*batch);
  bench.bench.loop.pass(30min);
  // One place is left: others may be tried, and would tell. Its halves could, if it had any.
  CHECK_FALSE(done->done());
  bench.budget.take_keys(1, 1);
  bench.bench.loop.pass(2min);
  REQUIRE(done->value);
  CHECK(done->value->end == SubmitEnd::give_up);
  bench.budget.give_back(1);
  SUBCASE("also where it is not the only one") {
    bench.budget.give_keys_back(1, 1);
    std::vector<std::shared_ptr<usherd::test::Pending<SubmitResult>>> stuck;
    const auto ended = [&] {
      return std::count_if(stuck.begin(), stuck.end(), [](const auto& each) { return each->done(); });
    };
    for (int i = 0; i < 2; ++i) {
      auto* another = bench.batch(1);
      another->rekeyed_for_errors = 1;
      stuck.push_back(bench.submit(*another));
      bench.bench.loop.pass(20min);
      CHECK(ended() == i);
    }
    return;
  }
  auto* other = bench.batch(1);
  other->rekeyed_for_errors = 1;
  const auto next = bench.submit(*other);
  bench.bench.loop.pass(2min);
  CHECK_FALSE(next->done());
  bench.bench.loop.pass(10min);
  REQUIRE(next->value);
  CHECK(next->value->end == SubmitEnd::give_up);
}

TEST_CASE("A key that was given up while others passed delays no batch that nobody can pass") {
  SubmitBench bench;
  bench.answer_always(answered(500, "{}"));
  const auto first = bench.submit(*bench.batch(1));
  ++bench.submitter.stats().accepted;
  bench.bench.loop.pass(2min);
  REQUIRE(first->value);
  CHECK(first->value->end == SubmitEnd::rekey);
  bench.budget.give_back(1);
  bench.budget.take_keys(89, 89);
  auto* other = bench.batch(1);
  other->rekeyed_for_errors = 1;
  const auto next = bench.submit(*other);
  bench.bench.loop.pass(2min);
  REQUIRE(next->value);
  CHECK(next->value->end == SubmitEnd::give_up);
}

TEST_CASE("Three 429s halve a batch beside which only abandoned keys and batches set apart hold places") {
  SubmitBench bench;
  bench.budget.take_keys(3, 6);
  bench.budget.take(2);
  bench.budget.end_post(2);
  bench.budget.set_apart(2);
  bench.answer_always(answered(429, "{}", "1"));
  SUBCASE("with nothing else in progress") {
    const auto done = bench.submit(*bench.batch(2));
    bench.bench.loop.pass(10s);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::halve);
    CHECK_FALSE(done->value->key_may_run);
    CHECK(bench.keys().size() == 3);
  }
  SUBCASE("not beside a job") {
    bench.budget.take(2);
    bench.budget.end_post(2);
    const auto done = bench.submit(*bench.batch(2));
    bench.bench.loop.pass(10s);
    CHECK((!done->value || done->value->end == SubmitEnd::gives_way));
  }
}

TEST_CASE("A batch in doubt that draws 429 is set apart until its key is decided, and gives others time") {
  SubmitBench bench;
  auto* batch = bench.batch(2);
  const auto key = batch->row.key;
  bench.bench.transport.push(usherd::fakes::lost(Progress::body_written));
  std::vector<BootTime> times;
  bench.answer([&](const Request&, const std::string&) {
    times.push_back(bench.bench.loop.timers.now().boot);
    return times.size() > 30 ? job("j") : answered(429, "{}", "20");
  });
  const auto done = bench.submit(*batch);
  bench.bench.loop.pass(30min);
  while (!done->done())
    bench.bench.loop.pass(10min);
  REQUIRE(times.size() == 31);
  for (std::size_t i = 3; i < times.size(); ++i) {
    CAPTURE(i);
    CHECK(times[i] - times[i - 1] >= 40s);
    CHECK(times[i] - times[i - 1] <= 101s);
  }
  const auto keys = bench.keys();
  CHECK(std::count(keys.begin(), keys.end(), key) == 32);
  CHECK(done->value->end == SubmitEnd::accepted);
  CHECK(bench.budget.batches_set_apart() == 0);
  CHECK_FALSE(batch->is_set_apart);
}

TEST_CASE("A lone record that is refused without a code has one all the same") {
  for (const auto* body :
       {R"({"message":"in the API's words"})", R"({"message":"in the API's words","code":""})"}) {
    CAPTURE(body);
    SubmitBench bench;
    bench.answer_always(answered(400, body));
    const auto done = bench.submit(*bench.batch(1));
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::reject);
    CHECK(done->value->code == "unspecified");
    CHECK(done->value->message == "in the API's words");
    CHECK(bench.submitter.stats().refusal_code == "unspecified");
  }
}
