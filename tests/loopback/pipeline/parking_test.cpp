#include "tests/loopback/pipeline/pipeline_bench.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

TEST_CASE("A key revoked and given back parks `credentials`, and resumes alone under a new idempotency key") {
  PipelineBench bench;
  bench.server->revoke_key();
  bench.drop("a.ndjson", PipelineBench::records(5));
  auto daemon = bench.start();
  REQUIRE(daemon->run_until([&] { return daemon->parked(ParkReason::credentials); }));
  REQUIRE(daemon->run_until([&] { return bench.server->oracle().requests_of(sandbox::Call::me) >= 4; }));
  // Nothing but the probe goes out.
  CHECK(bench.server->oracle().requests_of(sandbox::Call::create) <= 1);
  CHECK(bench.server->oracle().jobs_created == 0);
  SUBCASE("the old key is taken again") {
    bench.server->accept_key(bench.server->key());
  }
  SUBCASE("the file holds another key, and nobody has to say so") {
    bench.server->accept_key("na1.other/secret");
    bench.write_key("na1.other/secret");
  }
  CHECK(daemon->finish().exit == ExitCode::ok);
  daemon.reset();
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(5));
  CHECK(bench.log().find("parked: credentials: the API refuses the key") != std::string::npos);
  CHECK(bench.log().find("no longer parked: credentials") != std::string::npos);
  CHECK(bench.log().find("secret") == std::string::npos);
  bench.check_promises();
}

TEST_CASE(
    "A 401 that the API keeps for one idempotency key is tried again by itself, and nobody is parked for "
    "it") {
  PipelineBench bench(R"({"job_time":"10ms"})", 100);
  bench.config.api.request_timeout = 250ms;
  bench.fault(R"([{"call":"create","action":"hang","times":1},
                  {"call":"create","action":"status","code":401,"layer":"api","times":1}])");
  bench.drop("a.ndjson", PipelineBench::records(5));
  auto daemon = bench.start(Daemon::Mode::run);
  const auto posts = [&] { return bench.server->oracle().requests_of(sandbox::Call::create); };
  bool parked = false;
  REQUIRE(daemon->run_until([&] {
    parked = parked || daemon->parked(ParkReason::credentials);
    return posts() >= 5;
  }));
  bench.drop("b.ndjson", PipelineBench::records(5, "other"));
  REQUIRE(daemon->run_until([&] {
    parked = parked || daemon->parked(ParkReason::credentials);
    return !bench.receipt("b.ndjson").empty();
  }));
  CHECK_FALSE(parked);
  CHECK(bench.receipt("a.ndjson").empty());
  // Nothing proves that the first try did not run: the key stays.
  CHECK(bench.server->oracle().keys == 2);
  SUBCASE("a key that is really revoked parks as ever") {
    bench.server->revoke_key();
    REQUIRE(daemon->run_until([&] { return daemon->parked(ParkReason::credentials); }));
    bench.server->accept_key(bench.server->key());
  }
  SUBCASE("and that is all") {}
  // The API forgets the answer.
  bench.set("idempotency", "off");
  REQUIRE(daemon->run_until([&] { return !bench.receipt("a.ndjson").empty(); }));
  daemon->break_off();
  CHECK(bench.log().find("tried again by itself") != std::string::npos);
  bench.check_promises();
}

TEST_CASE("A key revoked while a job runs stops the polls too, and the job is found again") {
  PipelineBench bench(R"({"job_time":"manual"})");
  bench.drop("a.ndjson", PipelineBench::records(5));
  auto daemon = bench.start();
  REQUIRE(daemon->run_until([&] { return bench.server->oracle().jobs_created == 1; }));
  bench.server->revoke_key();
  REQUIRE(daemon->run_until([&] { return daemon->parked(ParkReason::credentials); }));
  bench.server->finish_jobs();
  const auto polls = bench.server->oracle().requests_of(sandbox::Call::status);
  const auto asked = bench.server->oracle().requests_of(sandbox::Call::me);
  REQUIRE(
      daemon->run_until([&] { return bench.server->oracle().requests_of(sandbox::Call::me) >= asked + 3; }));
  CHECK(bench.server->oracle().requests_of(sandbox::Call::status) == polls);
  bench.server->accept_key(bench.server->key());
  CHECK(daemon->finish().exit == ExitCode::ok);
  daemon.reset();
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(5));
  CHECK(bench.server->oracle().posts == 1);
  bench.check_promises();
}

TEST_CASE("A refused POST retires its key before the next try") {
  for (const std::string_view code : {"401", "403", "404"}) {
    CAPTURE(code);
    PipelineBench bench;
    bench.fault(R"({"call":"create","action":"status","layer":"api","times":2,"code":)" + std::string(code) +
                "}");
    bench.drop("a.ndjson", PipelineBench::records(5));
    auto daemon = bench.start();
    const auto reason = code == "404" ? ParkReason::endpoint : ParkReason::credentials;
    REQUIRE(daemon->run_until([&] { return daemon->parked(reason); }));
    CHECK(daemon->finish().exit == ExitCode::ok);
    daemon.reset();
    CHECK(counts(bench.receipt("a.ndjson")) == all_imported(5));
    const auto seen = bench.server->oracle();
    CHECK(seen.keys == 3);
    CHECK(seen.most_posts_by_key == 1);
    bench.check_promises();
  }
}

TEST_CASE("A 404 on POST and a redirect park `endpoint`; a redirect is never followed") {
  const std::string_view rules[] = {
      R"({"call":"create","action":"status","code":404,"body":"html","times":2})",
      R"({"call":"create","action":"redirect","location":"https://elsewhere.invalid/","times":2})",
      R"({"call":"create","action":"redirect","location":"/me","times":2})",
      R"({"call":"status","action":"redirect","location":"/me","times":2})",
  };
  for (const auto rule : rules) {
    CAPTURE(rule);
    PipelineBench bench;
    bench.fault(rule);
    bench.drop("a.ndjson", PipelineBench::records(5));
    auto daemon = bench.start();
    REQUIRE(daemon->run_until([&] { return daemon->parked(ParkReason::endpoint); }));
    CHECK(daemon->finish().exit == ExitCode::ok);
    CHECK_FALSE(daemon->parked(ParkReason::endpoint));
    daemon.reset();
    CHECK(counts(bench.receipt("a.ndjson")) == all_imported(5));
    // GET /me is asked once, at start: nobody went where the redirect pointed.
    CHECK(bench.server->oracle().requests_of(sandbox::Call::me) == 1);
    bench.check_promises();
  }
}

TEST_CASE("Twenty lone records refused in a row park `refused`, and what follows waits for the operator") {
  PipelineBench bench;
  bench.config.batch.max_records = 1;
  bench.config.limits.in_progress_batches = 1;
  bench.config.limits.in_progress_operations = 1;
  bench.fault(R"({"call":"create","action":"status","code":400,"times":20})");
  bench.drop("a.ndjson", PipelineBench::records(25));
  auto daemon = bench.start();
  REQUIRE(daemon->run_until([&] { return daemon->parked(ParkReason::refused); }));
  CHECK(bench.server->oracle().requests_of(sandbox::Call::create) == 20);
  daemon->parts().gate.clear(ParkReason::refused);
  CHECK(daemon->finish().exit == ExitCode::with_rejects);
  daemon.reset();
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 5 rejected 20 merged 0 unknown 0 rekeyed 0");
  bench.check_promises();
}
