#include "tests/loopback/sandbox/sandbox_bench.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

TEST_CASE("only the raw key of a Basic header opens the API") {
  SandboxBench bench;
  const std::string key = bench.sandbox->key();
  const std::array<std::pair<std::string, unsigned>, 5> rows{{{"Basic " + key, 200},
                                                              {"Bearer " + key, 401},
                                                              {"Basic bmExLnNhbmRib3g=", 401},
                                                              {key, 401},
                                                              {"Basic " + key + "x", 401}}};
  RawClient client = bench.client();
  for (const auto& [header, status] : rows) {
    CAPTURE(header);
    const RawAnswer answer = client.exchange("GET", "/me", {{"Authorization", header}});
    CHECK(answer.status == status);
    if (status == 401)
      CHECK(answer.json().at("code") == "unauthorized");
  }
  CHECK(client.exchange("GET", "/me").status == 401);
  bench.sandbox->revoke_key();
  CHECK(client.exchange("GET", "/me", bench.authorized()).status == 401);
  bench.sandbox->accept_key(key);
  CHECK(client.exchange("GET", "/me", bench.authorized()).status == 200);
  CHECK(bench.sandbox->oracle().sessions == 1);
}

TEST_CASE("a batch is followed through to the last page of its errors") {
  SandboxBench bench(R"({"page_size":2})");
  std::string body = R"({"requests":[{"uid":"good"})";
  for (int i = 0; i < 5; ++i)
    body += R"(,{"uid":"","display_name":"bad)" + std::to_string(i) + "\"}";
  const RawAnswer created = bench.post(body + "]}", "k");
  const std::string job = bench.job_path(created);
  CHECK(created.json().at("job").at("status") == "PROCESSING");
  CHECK(bench.call("GET", job + "/errors").status == 202);
  CHECK(bench.call("GET", job + "/errors").body.empty());
  CHECK(bench.sandbox->finish_jobs() == 1);
  const auto status = bench.call("GET", job).json();
  CHECK(status.at("imports") == 1);
  CHECK(status.at("errors") == 5);
  std::set<std::string> named;
  std::string token;
  do {
    const auto page = bench.call("GET", job + "/errors?page_token=" + percent_encode(token)).json();
    for (const auto& error : page.at("results").as_array())
      named.emplace(error.at("user").at("display_name").as_string());
    const auto* next = page.as_object().if_contains("next_page_token");
    token = next == nullptr ? "" : std::string(next->as_string());
  } while (!token.empty());
  CHECK(named == std::set<std::string>{"bad0", "bad1", "bad2", "bad3", "bad4"});
  CHECK(bench.sandbox->oracle().requests_of(Call::errors) == 5);
  CHECK(bench.sandbox->user("good"));
}

TEST_CASE("an answer that was lost after the job was made is replayed to the same key") {
  SandboxBench bench;
  bench.rule(R"({"call":"create","action":"reset_after_commit","times":1})");
  CHECK(bench.post(kTwoUsers, "k").status == 0);
  CHECK(bench.sandbox->oracle().jobs_created == 1);
  const RawAnswer first = bench.post(kTwoUsers, "k");
  CHECK(first.status == 200);
  CHECK(bench.post(kTwoUsers, "k").body == first.body);
  CHECK(bench.post(R"({"requests":[{"uid":"c"}]})", "k").status == 400);
  CHECK(bench.sandbox->finish_jobs() == 1);
  const Oracle oracle = bench.sandbox->oracle();
  CHECK(oracle.jobs_created == 1);
  CHECK(oracle.records_applied == 2);
  CHECK(oracle.applied_twice == 0);
  CHECK(oracle.posts == 4);
  CHECK(oracle.keys_with_two_bodies == 1);
}

TEST_CASE("a key past its day makes a new job") {
  SandboxBench bench;
  const RawAnswer first = bench.post(kTwoUsers, "k");
  bench.sandbox->advance_clock(std::chrono::hours(24));
  CHECK(bench.post(kTwoUsers, "k").body != first.body);
}

TEST_CASE("the organisation's limit answers 429 until something has ended") {
  SandboxBench bench(R"({"in_progress_operations":4,"retry_after_seconds":3})");
  CHECK(bench.post(kTwoUsers, "k1").status == 200);
  bench.sandbox->set_neighbour(0, 1);
  const RawAnswer refused = bench.post(kTwoUsers, "k2");
  CHECK(refused.status == 429);
  CHECK(refused.headers.at("Retry-After") == "3");
  bench.sandbox->finish_jobs();
  bench.sandbox->advance_clock(std::chrono::seconds(1));
  CHECK(bench.post(kTwoUsers, "k2").status == 200);
  CHECK(bench.sandbox->oracle().early_after_retry_after == 1);
  bench.sandbox->advance_clock(std::chrono::seconds(2));
  CHECK(bench.call("GET", "/me").status == 200);
  CHECK(bench.sandbox->oracle().early_after_retry_after == 1);
  CHECK(bench.sandbox->oracle().peak_in_progress_operations == 2);
}

TEST_CASE("jobs end by the server's clock") {
  SandboxBench bench(R"({"job_time":"10s"})");
  const std::string job = bench.job_path(bench.post(kTwoUsers, "k"));
  bench.sandbox->advance_clock(std::chrono::seconds(9));
  CHECK(bench.call("GET", job).json().at("job").at("status") == "PROCESSING");
  bench.sandbox->advance_clock(std::chrono::seconds(1));
  CHECK(bench.call("GET", job).json().at("job").at("status") == "COMPLETED");
}

TEST_CASE("chunked bodies, Expect and pipelined requests are understood") {
  SandboxBench bench;
  RawClient client = bench.client();
  const std::string head =
      "POST /v2/users/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + bench.sandbox->key();
  REQUIRE(client.send(head + "\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"requests\":[{\"u\r\n"));
  REQUIRE(client.send("9\r\nid\":\"a\"}]\r\n1\r\n}\r\n0\r\n\r\n"));
  CHECK(client.receive().status == 200);
  REQUIRE(client.send(head + "\r\nExpect: 100-continue\r\nContent-Length: 26\r\n\r\n"));
  CHECK(client.receive().status == 100);
  REQUIRE(client.send(R"({"requests":[{"uid":"a"}]})"));
  CHECK(client.receive().status == 200);
  const std::string me =
      "GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + bench.sandbox->key() + "\r\n\r\n";
  REQUIRE(client.send(me + me));
  CHECK(client.receive().status == 200);
  CHECK(client.receive().status == 200);
}

TEST_CASE("a body of 40 MiB goes through") {
  SandboxBench bench;
  const std::string filler(800, 'x');
  std::string body = R"({"requests":[{"uid":"0"})";
  for (int i = 1; i < 50'000; ++i)
    body +=
        R"(,{"uid":")" + std::to_string(i) + R"(","display_name":"n","properties":{"p":")" + filler + "\"}}";
  body += "]}";
  CHECK(body.size() > (40ULL << 20));
  CHECK(bench.post(body, "k").status == 200);
  bench.sandbox->finish_jobs();
  CHECK(bench.sandbox->oracle().records_applied == 50'000);
}
