#include "tests/unit/sandbox/api_bench.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

TEST_CASE("a batch goes from accepted to applied") {
  ApiBench bench;
  const std::string job = bench.job_of(bench.post(R"({"requests":[{"uid":"a"},{"uid":""},{"uid":"b"}]})"));
  CHECK(job.find('=') != std::string::npos);
  auto status = bench.json(bench.get(job));
  CHECK(status.at("job").at("status") == "PROCESSING");
  CHECK_FALSE(status.at("job").as_object().contains("finished"));
  CHECK(status.at("imports") == 0);
  CHECK(bench.get(job, "/errors").status == 202);
  CHECK(bench.get(job, "/errors").body.empty());
  CHECK(bench.get(job, "/imports").status == 202);
  CHECK(bench.org.users.size() == 0);
  bench.settle();
  status = bench.json(bench.get(job));
  CHECK(status.at("job").at("status") == "FAILED");
  CHECK(status.at("job").as_object().contains("finished"));
  CHECK(status.at("imports") == 2);
  CHECK(status.at("errors") == 1);
  const auto errors = bench.json(bench.get(job, "/errors"));
  CHECK(errors.at("results").at(0).at("code") == "invalid_parameter");
  CHECK(errors.at("results").at(0).at("user").at("uid") == "");
  CHECK(errors.at("total_records") == "1");
  CHECK(bench.org.users.size() == 2);
}

TEST_CASE("what is no batch is answered 400") {
  struct Row {
    std::string_view body;
    std::string_view code;
  };
  constexpr std::array kRows =
      std::to_array<Row>({{"", "invalid_argument"},
                          {"{", "invalid_argument"},
                          {"[]", "invalid_argument"},
                          {"{}", "required_field"},
                          {R"({"requests":{}})", "invalid_argument"},
                          {R"({"requests":[]})", "invalid_argument"},
                          {R"({"requests":[7]})", "invalid_argument"},
                          {R"({"requests":[{},{},{},{}]})", "invalid_argument"},
                          {"{\"requests\":[{\"uid\":\"\xFF\"}]}", "invalid_argument"}});
  ApiBench bench(R"({"max_items":3})");
  for (const Row& row : kRows) {
    CAPTURE(row.body);
    const ApiAnswer answer = bench.post(std::string(row.body));
    CHECK(answer.status == 400);
    CHECK(bench.code_of(answer) == row.code);
  }
  CHECK(bench.org.oracle().jobs_created == 0);
}

TEST_CASE("an empty batch may be taken, a bad record may refuse the whole POST") {
  ApiBench lenient(R"({"empty_batch":"accept"})");
  CHECK(lenient.post(R"({"requests":[]})").status == 200);
  ApiBench strict(R"({"bad_records":"strict"})");
  const ApiAnswer refused = strict.post(R"({"requests":[{"uid":"a"},{"uid":""}]})");
  CHECK(refused.status == 400);
  CHECK(strict.code_of(refused) == "invalid_parameter");
}

TEST_CASE("a key replays the first answer and refuses another body") {
  ApiBench bench(R"({"other_body":422})");
  const std::string body = R"({"requests":[{"uid":"a"}]})";
  const ApiAnswer first = bench.post(body, "k");
  CHECK(bench.post(body, "k").body == first.body);
  CHECK(bench.post(body + " ", "k").status == 422);
  CHECK(bench.post(body, "k2").body != first.body);
  const Oracle oracle = bench.org.oracle();
  CHECK(oracle.jobs_created == 2);
  CHECK(oracle.posts == 4);
  CHECK(oracle.most_posts_by_key == 3);
  CHECK(oracle.keys == 2);
  CHECK(oracle.keys_with_two_bodies == 1);
}

TEST_CASE("a 400 is replayed, a 429 is not") {
  ApiBench bench(R"({"in_progress_batches":1})");
  bench.rule(R"({"call":"create","action":"status","code":400,"times":1})");
  const std::string body = R"({"requests":[{"uid":"a"}]})";
  CHECK(bench.post(body, "bad").status == 400);
  CHECK(bench.post(body, "bad").status == 400);
  CHECK(bench.post(body, "good").status == 200);
  CHECK(bench.post(body, "late").status == 429);
  bench.settle();
  CHECK(bench.post(body, "late").status == 200);
}

TEST_CASE("a delayed answer keeps its key in use") {
  ApiBench bench;
  bench.rule(R"({"call":"create","action":"delay","delay":"5s","times":1})");
  const std::string body = R"({"requests":[{"uid":"a"}]})";
  const ApiAnswer first = bench.post(body, "k");
  CHECK(first.delay == std::chrono::seconds(5));
  CHECK(bench.post(body, "k").status == 409);
  bench.now += std::chrono::seconds(5);
  CHECK(bench.post(body, "k").body == first.body);
}

TEST_CASE("a body applied under two keys, and a key applied twice, are told") {
  ApiBench bench;
  const std::string body = R"({"requests":[{"uid":"a"},{"uid":"b"}]})";
  (void)bench.post(body, "k1");
  bench.settle();
  (void)bench.post(body, "k2");
  bench.settle();
  CHECK(bench.org.oracle().applied_twice == 0);
  CHECK(bench.org.oracle().bodies_applied_twice == 2);
  bench.now += std::chrono::hours(25);
  (void)bench.post(body, "k1");
  bench.settle();
  CHECK(bench.org.oracle().applied_twice == 2);
}

TEST_CASE("the budget is kept and its peaks are remembered") {
  ApiBench bench(R"({"in_progress_operations":5,"retry_after_seconds":9})");
  CHECK(bench.post(R"({"requests":[{"uid":"a"},{"uid":"b"},{"uid":"c"}]})").status == 200);
  const ApiAnswer refused = bench.post(R"({"requests":[{"uid":"d"},{"uid":"e"},{"uid":"f"}]})");
  CHECK(refused.status == 429);
  CHECK(refused.headers.at(0).second == "9");
  CHECK(bench.post(R"({"requests":[{"uid":"d"},{"uid":"e"}]})").status == 200);
  const Oracle oracle = bench.org.oracle();
  CHECK(oracle.peak_in_progress_batches == 2);
  CHECK(oracle.peak_in_progress_operations == 5);
  CHECK(oracle.answered_429 == 1);
}

TEST_CASE("a user in two unfinished jobs is seen, whatever the keys") {
  ApiBench bench;
  (void)bench.post(R"({"requests":[{"uid":"a"},{"uid":"a"},{"uid":"b"},{}]})", "k1");
  CHECK(bench.org.oracle().users_in_two_jobs == 0);
  (void)bench.post(R"({"requests":[{"uid":"b"},{"id":"a"},{}]})", "k2");
  CHECK(bench.org.oracle().users_in_two_jobs == 1);
}

TEST_CASE("an early request after a 429 is counted, one on its way is not") {
  Organisation org(Settings(), "k", 1);
  const WallTime now{std::chrono::hours(1)};
  org.told_to_wait(now, now + std::chrono::seconds(5));
  org.arrived(Call::create, now + Milliseconds(50));
  CHECK(org.oracle().early_after_retry_after == 0);
  org.arrived(Call::status, now + Milliseconds(4999));
  CHECK(org.oracle().early_after_retry_after == 1);
  org.arrived(Call::create, now + Milliseconds(5000));
  CHECK(org.oracle().early_after_retry_after == 1);
}
