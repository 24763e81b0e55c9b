#include "tests/loopback/sandbox/sandbox_bench.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

TEST_CASE("faults before execution leave no job, faults of the answer leave one") {
  struct Row {
    std::string_view rule;
    unsigned status;
    std::uint64_t jobs;
  };
  constexpr std::array kRows = std::to_array<Row>({
      {R"({"call":"create","action":"reset_before"})", 0, 0},
      {R"({"call":"create","action":"reset_mid_body","bytes":10})", 0, 0},
      {R"({"call":"create","action":"status","code":500})", 500, 0},
      {R"({"call":"create","action":"status","code":503,"body":"html"})", 503, 0},
      {R"({"call":"create","action":"status","code":502,"body":"empty"})", 502, 0},
      {R"({"call":"create","action":"status","code":500,"body":"truncated"})", 0, 0},
      {R"({"call":"create","action":"status","code":500,"body":"oversized","bytes":2000000})", 500, 0},
      {R"({"call":"create","action":"redirect","location":"https://elsewhere.invalid/"})", 302, 0},
      {R"({"call":"create","batch_contains_uid":"b","action":"reset_before"})", 0, 0},
      {R"({"call":"create","batch_contains_uid":"x","action":"reset_before"})", 200, 1},
      {R"({"call":"create","action":"reset_after_commit"})", 0, 1},
      {R"({"call":"create","action":"truncate"})", 0, 1},
      {R"({"call":"create","action":"garbage"})", 0, 1},
      {R"({"call":"create","action":"slow_body","delay":"0ms"})", 200, 1},
      {R"({"call":"create","action":"slow_headers","delay":"0ms"})", 200, 1},
      {R"({"call":"create","action":"delay","delay":"1ms"})", 200, 1},
      {R"({"call":"status","action":"reset_before"})", 200, 1},
  });
  for (const Row& row : kRows) {
    CAPTURE(row.rule);
    SandboxBench bench;
    bench.rule(row.rule);
    CHECK(bench.post(kTwoUsers, "k").status == row.status);
    CHECK(bench.sandbox->oracle().jobs_created == row.jobs);
  }
}

TEST_CASE("a connection closed after its answer had promised to stay open") {
  SandboxBench bench;
  bench.rule(R"({"call":"me","action":"close_after","times":1})");
  RawClient client = bench.client();
  const RawAnswer answer = client.exchange("GET", "/me", bench.authorized());
  CHECK(answer.status == 200);
  CHECK_FALSE(answer.headers.contains("Connection"));
  CHECK(client.exchange("GET", "/me", bench.authorized()).status == 0);
}

TEST_CASE("a body above the limit is refused in each of the ways") {
  struct Row {
    std::string_view over_body;
    unsigned status;
    std::string_view type;
  };
  constexpr std::array kRows =
      std::to_array<Row>({{"json", 413, "application/json"}, {"html", 413, "text/html"}, {"reset", 0, ""}});
  const std::string body(3'000'000, ' ');
  for (const Row& row : kRows) {
    CAPTURE(row.over_body);
    SandboxBench bench(R"({"max_body":1000000,"over_body":")" + std::string(row.over_body) + "\"}");
    const RawAnswer answer = bench.post(body, "k");
    CHECK(answer.status == row.status);
    if (row.status != 0)
      CHECK(answer.headers.at("Content-Type") == row.type);
    CHECK(bench.post(kTwoUsers, "k").status == 200);
  }
}

TEST_CASE("a chunked body above the limit is refused as well") {
  SandboxBench bench(R"({"max_body":1000})");
  RawClient client = bench.client();
  const std::string head = "POST /v2/users/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  REQUIRE(client.send(head + "800\r\n" + std::string(0x800, ' ') + "\r\n"));
  CHECK(client.receive().status == 413);
}

TEST_CASE("what is not HTTP is answered 400 or not at all, and harms nobody") {
  SandboxBench bench;
  for (const std::string& bytes :
       {std::string("\x00\x01\x02\r\n\r\n", 7), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"),
        "GET /me HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n",
        std::string("POST /v2/users/batch HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string("POST /v2/users/batch HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    RawClient client = bench.client();
    (void)client.send(bytes);
    const unsigned status = client.receive().status;
    CHECK((status == 400 || status == 0));
  }
  RawClient liar = bench.client();
  REQUIRE(liar.send("POST /v2/users/batch HTTP/1.1\r\nContent-Length: 999999999999999999\r\n\r\n"));
  CHECK(liar.receive().status == 413);
  CHECK(bench.call("GET", "/me").status == 200);
}

TEST_CASE("a certificate that must not be trusted is offered when told to") {
  SandboxBench bench;
  CHECK(bench.client().failure().empty());
  for (const std::string_view kind : {"expired", "wrong_host", "unknown_authority"}) {
    CAPTURE(kind);
    REQUIRE(bench.sandbox->set("certificate", kind).has_value());
    CHECK(bench.client().failure() == "certificate verify failed (SSL routines)");
  }
  REQUIRE(bench.sandbox->set("certificate", "good").has_value());
  CHECK(bench.call("GET", "/me").status == 200);
}

TEST_CASE("an outage refuses connections, ends the present ones, and passes") {
  SandboxBench bench;
  RawClient client = bench.client();
  CHECK(client.exchange("GET", "/me", bench.authorized()).status == 200);
  REQUIRE(bench.sandbox->set("listening", "false").has_value());
  CHECK(bench.client().failure() == "Connection refused");
  CHECK(client.exchange("GET", "/me", bench.authorized()).status == 0);
  REQUIRE(bench.sandbox->set("listening", "true").has_value());
  CHECK(bench.call("GET", "/me").status == 200);
}

TEST_CASE("a sandbox ends while requests hang and uploads stand") {
  SandboxBench bench;
  bench.rule(R"({"call":"me","action":"hang"})");
  RawClient hanging = bench.client();
  REQUIRE(hanging.send("GET /me HTTP/1.1\r\nHost: x\r\n\r\n"));
  RawClient uploading = bench.client();
  REQUIRE(uploading.send("POST /v2/users/batch HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"));
  RawClient idle = bench.client();
  bench.sandbox.reset();
  CHECK(hanging.receive().status == 0);
  CHECK(uploading.receive().status == 0);
}
