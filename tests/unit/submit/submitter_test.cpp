#include "usherd/submit/submitter.hpp"

#include "tests/unit/submit/submit_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace usherd;
using usherd::fakes::answered;
using usherd::fakes::lost;
using usherd::test::api_error;
using usherd::test::job;
using usherd::test::SubmitBench;
using namespace std::chrono_literals;

TEST_CASE("The send time is durable before the first byte leaves, and the job before anything else happens") {
  SubmitBench bench;
  auto* batch = bench.batch(2);
  std::optional<SendTime> at_send;
  bench.answer([&](const Request&, const std::string&) {
    at_send = bench.stored(1).sent;
    return job("j/1=");
  });
  const auto done = bench.submit(*batch);
  REQUIRE(done->value);
  CHECK(done->value->end == SubmitEnd::accepted);
  REQUIRE(at_send);
  CHECK(at_send->boot_id == "boot-1");
  const auto row = bench.stored(1);
  CHECK(row.state == BatchState::accepted);
  CHECK(row.job == "j/1=");
  CHECK(row.submitted);
  CHECK(bench.bench.transport.requests()[0].body == R"({"requests":[{"uid":"u0"},{"uid":"u1"}]})");
  CHECK(bench.keys() == std::vector<std::string>{row.key});
}

TEST_CASE(
    "Whatever gives no verdict goes out again under the same key with the same bytes, without a limit") {
  const Exchange outcomes[] = {
      lost(Progress::nothing),
      lost(Progress::body_written),
      lost(Progress::body_written, Errc::timeout),
      lost(Progress::answer_started),
      answered(200, "{\"job\":"),
      answered(200, "<html>"),
      answered(204),
      answered(501, "{}"),
      answered(502, "<html>"),
      answered(503, "<html>"),
      answered(599, ""),
      answered(400, "<html>"),
      answered(418, "teapot"),
      answered(408, "{}"),
  };
  for (const auto& outcome : outcomes) {
    CAPTURE(outcome.status);
    CAPTURE(static_cast<int>(outcome.progress));
    SubmitBench bench;
    auto* batch = bench.batch(3);
    const auto key = batch->row.key;
    bench.answer_always(outcome);
    const auto done = bench.submit(*batch);
    bench.bench.loop.pass(3min);
    CHECK_FALSE(done->done());
    const auto tries = bench.keys().size();
    CHECK(tries >= 5);
    CHECK(tries <= 100);
    bench.answer_always(job("late"));
    bench.bench.loop.pass(2min);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::accepted);
    const auto keys = bench.keys();
    CHECK(std::set<std::string>(keys.begin(), keys.end()) == std::set<std::string>{key});
    for (const auto& request : bench.bench.transport.requests())
      CHECK(request.body == bench.bench.transport.requests()[0].body);
  }
}

TEST_CASE("An answer that proves that nothing ran retires the key in the ledger before another goes out") {
  for (const auto& refusal :
       {answered(401, "{}"), answered(403, "{}"), answered(404, "{}"), answered(429, "{}", "3")}) {
    CAPTURE(refusal.status);
    SubmitBench bench;
    auto* batch = bench.batch(2);
    const auto old_key = batch->row.key;
    bench.bench.transport.push(refusal);
    std::string stored_at_send;
    bench.answer([&](const Request& request, const std::string&) {
      if (request.method == Method::post)
        stored_at_send = bench.stored(1).key;
      return job("j");
    });
    const auto done = bench.submit(*batch);
    CHECK_FALSE(done->done());
    bench.bench.loop.pass(10s);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::accepted);
    const auto keys = bench.keys();
    REQUIRE(keys.size() == 2);
    CHECK(keys[0] == old_key);
    CHECK(keys[1] != old_key);
    CHECK(keys[1] == stored_at_send);
    CHECK(bench.stored(1).abandoned == 0);
    CHECK(bench.stored(1).rekey_reason.empty());
  }
}

TEST_CASE("After a try without an answer no refusal at the door retires the key") {
  for (const auto& refusal : {answered(401, "{}"), answered(404, "{}"), answered(429, "{}", "3")}) {
    CAPTURE(refusal.status);
    SubmitBench bench;
    auto* batch = bench.batch(2);
    const auto key = batch->row.key;
    bench.bench.transport.push(lost(Progress::body_written));
    bench.bench.transport.push(refusal);
    bench.answer_always(job("j"));
    const auto done = bench.submit(*batch);
    bench.bench.loop.pass(2min);
    REQUIRE(done->value);
    CHECK(bench.keys() == std::vector<std::string>{key, key, key});
  }
}

TEST_CASE("A refused body ends a lone record with the API's words, and halves more of them") {
  struct Row {
    Exchange answer;
    std::string code;
  };
  const Row rows[] = {{api_error(400), "invalid_argument"},
                      {api_error(422, "required_field"), "required_field"},
                      {api_error(409, "conflict"), "conflict"},
                      {answered(413, "<html>"), "http_413"}};
  for (const auto& row : rows) {
    CAPTURE(row.code);
    SubmitBench bench;
    bench.answer_always(row.answer);
    auto* lone = bench.batch(1);
    const auto ended = bench.submit(*lone);
    REQUIRE(ended->value);
    CHECK(ended->value->end == SubmitEnd::reject);
    CHECK(ended->value->code == row.code);
    auto* many = bench.batch(2);
    const auto halved = bench.submit(*many);
    REQUIRE(halved->value);
    CHECK(halved->value->end == SubmitEnd::halve);
    CHECK_FALSE(halved->value->key_may_run);
  }
}

TEST_CASE("A refusal after a try without an answer counts once it has lasted ten minutes") {
  for (const unsigned status : {400U, 409U, 422U}) {
    CAPTURE(status);
    SubmitBench bench;
    auto* batch = bench.batch(1);
    const auto key = batch->row.key;
    bench.bench.transport.push(lost(Progress::body_written));
    bench.answer_always(api_error(status));
    const auto done = bench.submit(*batch);
    bench.bench.loop.pass(10min);
    CHECK_FALSE(done->done());
    bench.bench.loop.pass(2min);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::reject);
    const auto keys = bench.keys();
    CHECK(std::set<std::string>(keys.begin(), keys.end()).size() == 1);
  }
}

TEST_CASE("A batch found with a send time has had a try without an answer") {
  SubmitBench bench;
  auto* batch = bench.batch(1);
  const auto key = batch->row.key;
  batch->row.sent = bench.submitter.send_time();
  batch->tried = false;
  bench.answer_always(api_error(400));
  const auto done = bench.submit(*batch);
  bench.bench.loop.pass(9min);
  CHECK_FALSE(done->done());
  bench.answer_always(job("j"));
  bench.bench.loop.pass(2min);
  CHECK(done->done());
  CHECK(bench.keys().back() == key);
}

TEST_CASE("Uploads cut three times halve the batch, never a lone record, and teach a size") {
  SubmitBench bench;
  bench.answer_always(lost(Progress::body_started));
  auto* many = bench.batch(4);
  const auto halved = bench.submit(*many);
  bench.bench.loop.pass(1min);
  REQUIRE(halved->value);
  CHECK(halved->value->end == SubmitEnd::halve);
  CHECK_FALSE(halved->value->key_may_run);
  CHECK(bench.keys().size() == 3);
  CHECK(bench.submitter.stats().lesson.most_bytes(bench.bench.loop.now()) == many->row.body_length / 2);
  auto* lone = bench.batch(1);
  const auto goes_on = bench.submit(*lone);
  bench.bench.loop.pass(10min);
  CHECK_FALSE(goes_on->done());
}

TEST_CASE("A batch alone in drawing 500s is rekeyed, then halved, and a lone record ends unknown") {
  for (const std::uint32_t records : {2U, 1U}) {
    CAPTURE(records);
    SubmitBench bench;
    auto* batch = bench.batch(records);
    const auto first_key = batch->row.key;
    bench.answer_always(answered(500, "{}"));
    const auto rekeyed = bench.submit(*batch);
    bench.bench.loop.pass(2s);
    CHECK_FALSE(rekeyed->done());
    bench.let_one_pass();
    bench.bench.loop.pass(5min);
    REQUIRE(rekeyed->value);
    CHECK(rekeyed->value->end == SubmitEnd::rekey);

    CHECK(bench.bench.loop.run(bench.submitter.new_key(*batch, "server_errors")));
    CHECK(batch->row.key != first_key);
    CHECK_FALSE(batch->has_place);
    CHECK(bench.budget.batches() == 1);
    CHECK(bench.budget.keys() == 1);
    CHECK(bench.stored(1).abandoned == 1);
    CHECK(bench.stored(1).rekey_reason == "server_errors");
    bench.budget.take(records);
    batch->has_place = true;

    const auto last = bench.submit(*batch);
    bench.bench.loop.pass(2s);
    bench.let_one_pass();
    bench.bench.loop.pass(5min);
    REQUIRE(last->value);
    CHECK(last->value->end == (records > 1 ? SubmitEnd::halve : SubmitEnd::give_up));
    CHECK(last->value->key_may_run);
  }
}

TEST_CASE("When everybody draws 500s one batch at a time tries another key, five minutes apart") {
  SubmitBench bench;
  bench.answer_always(answered(500, "{}"));
  auto* first = bench.batch(2);
  auto* second = bench.batch(2);
  const auto one = bench.submit(*first);
  const auto two = bench.submit(*second);
  bench.bench.loop.pass(4min);
  CHECK(one->done() != two->done());
  bench.bench.loop.pass(7min);
  CHECK(one->done());
  CHECK(two->done());
}

TEST_CASE("A body that is not what was frozen is never sent whole") {
  SubmitBench bench;
  auto* batch = bench.batch(2);
  bench.disk.put("/spool/working/" + test::sample_file(1).working, std::string(130, 'x'));
  bench.answer_always(job("j"));
  const auto done = bench.submit(*batch);
  REQUIRE(done->value);
  CHECK(done->value->end == SubmitEnd::file_changed);
  CHECK(bench.bench.sent() == 0);
}

TEST_CASE("What was not sent gives way when the limits were lowered meanwhile, and nothing of it leaves") {
  SubmitBench bench;
  auto* first = bench.batch(2);
  auto* second = bench.batch(2);
  bench.bench.gate.hold_until(bench.bench.loop.now() + 5s);
  const auto one = bench.submit(*first);
  const auto two = bench.submit(*second);
  bench.budget.configure(1, 1000);
  bench.answer_always(job("j"));
  bench.bench.loop.pass(5s);
  REQUIRE(one->value);
  CHECK(one->value->end == SubmitEnd::gives_way);
  CHECK(bench.bench.sent() == 0);
  bench.budget.give_back(2);
  // Whoever gave way has left; the other is below the limit now.
  bench.bench.loop.pass(1s);
  REQUIRE(two->value);
  CHECK(two->value->end == SubmitEnd::gives_way);
  const auto again = bench.submit(*second);
  REQUIRE(again->value);
  CHECK(again->value->end == SubmitEnd::accepted);
}

TEST_CASE("Twenty lone records refused with one code and none accepted between park `refused`") {
  SubmitBench bench;
  const auto refuse = [&](const std::string& code) {
    bench.bench.transport.push(api_error(400, code));
    auto* batch = bench.batch(1);
    const auto done = bench.submit(*batch);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::reject);
  };
  for (int i = 0; i < 19; ++i)
    refuse("bad");
  bench.let_one_pass();
  for (int i = 0; i < 19; ++i)
    refuse("bad");
  refuse("worse");
  for (int i = 0; i < 18; ++i)
    refuse("worse");
  CHECK_FALSE(bench.bench.parked(ParkReason::refused));
  refuse("worse");
  CHECK(bench.bench.parked(ParkReason::refused));
  auto* batch = bench.batch(1);
  const auto done = bench.submit(*batch);
  bench.bench.loop.pass(1h);
  CHECK_FALSE(done->done());
  bench.answer_always(job("j"));
  bench.bench.gate.clear(ParkReason::refused);
  bench.bench.loop.poll();
  CHECK(done->done());
}

TEST_CASE("Three 429s with nothing else in progress halve the batch") {
  SubmitBench bench;
  bench.answer_always(answered(429, "{}", "1"));
  SUBCASE("alone") {
    auto* batch = bench.batch(2);
    const auto done = bench.submit(*batch);
    bench.bench.loop.pass(10s);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::halve);
    CHECK(bench.keys().size() == 3);
  }
  SUBCASE("not a lone record") {
    auto* batch = bench.batch(1);
    const auto done = bench.submit(*batch);
    bench.bench.loop.pass(1min);
    CHECK_FALSE(done->done());
  }
}

TEST_CASE("A 429 shrinks what is used of the budget, and what was refused gives way to what runs") {
  SubmitBench bench;
  for (int i = 0; i < 10; ++i)
    bench.budget.take(1);
  auto* batch = bench.batch(1);
  bench.bench.transport.push(answered(429, "{}", "1"));
  bench.answer_always(job("j"));
  const auto done = bench.submit(*batch);
  CHECK(bench.budget.usable_batches() < 11);
  bench.bench.loop.pass(2s);
  REQUIRE(done->value);
  CHECK(done->value->end == SubmitEnd::gives_way);
  CHECK(bench.keys().size() == 1);
}

TEST_CASE(
    "Beside a shrunken budget a key that is answered with stored errors holds no turn while it backs off") {
  SubmitBench bench;
  for (int i = 0; i < 10; ++i) {
    bench.budget.take(1);
    bench.budget.end_post(1);
  }
  auto* refused = bench.batch(1);
  bench.bench.transport.push(answered(429, "{}", "1"));
  std::vector<bool> admitted;
  bench.answer([&](const Request&, const std::string&) {
    admitted.push_back(bench.budget.admits(1));
    return answered(500, "{}");
  });
  const auto first = bench.submit(*refused);
  REQUIRE(bench.budget.usable_batches() == 9);
  bench.bench.loop.pass(1s);
  REQUIRE(first->value);
  REQUIRE(first->value->end == SubmitEnd::gives_way);
  bench.budget.end_post(1);
  for (int i = 0; i < 7; ++i)
    bench.budget.give_back(1);
  auto* stuck = bench.batch(1);
  REQUIRE(stuck->is_posting);
  CHECK_FALSE(bench.budget.admits(1));
  const auto done = bench.submit(*stuck);
  CHECK_FALSE(done->done());
  CHECK_FALSE(stuck->is_posting);
  CHECK(bench.budget.admits(1));
  bench.bench.loop.pass(20s);
  CHECK_FALSE(done->done());
  CHECK(bench.budget.admits(1));
  // Only while it is asked again.
  CHECK(admitted.size() > 4);
  CHECK(std::count(admitted.begin(), admitted.end(), true) == 0);
}

TEST_CASE("When we stop a batch stays as it is") {
  SubmitBench bench;
  auto* batch = bench.batch(1);
  bench.bench.gate.hold_until(bench.bench.loop.now() + 1h);
  const auto done = bench.submit(*batch);
  bench.bench.close();
  REQUIRE(done->value);
  CHECK(done->value->end == SubmitEnd::stopped);
  CHECK(bench.stored(1).state == BatchState::frozen);
  CHECK(bench.bench.sent() == 0);
}
