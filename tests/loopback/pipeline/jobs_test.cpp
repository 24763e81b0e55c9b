#include "tests/loopback/pipeline/pipeline_bench.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

TEST_CASE("Faults of status polls change nothing of the outcome") {
  const std::string_view rules[] = {
      R"({"call":"status","action":"reset_before","times":2})",
      R"({"call":"status","action":"hang","times":1})",
      R"({"call":"status","action":"slow_body","times":1})",
      R"({"call":"status","action":"truncate","times":2})",
      R"({"call":"status","action":"garbage","times":2})",
      R"({"call":"status","action":"status","code":500,"times":2})",
      R"({"call":"status","action":"status","code":502,"body":"html","times":2})",
      R"({"call":"status","action":"status","code":200,"body":"html","times":2})",
      R"({"call":"status","action":"status","code":200,"body":"oversized","bytes":1000000,"times":1})",
      R"({"call":"status","action":"status","code":404,"times":3})",
      R"({"call":"errors","action":"reset_before","times":2})",
      R"({"call":"errors","action":"truncate","times":2})",
      R"({"call":"errors","action":"status","code":503,"body":"html","times":2})",
      R"({"call":"errors","action":"status","code":200,"body":"html","times":2})",
      R"({"call":"errors","action":"status","code":404,"times":2})",
  };
  for (const auto rule : rules) {
    CAPTURE(rule);
    PipelineBench bench(R"({"reject_uids_with":"7"})");
    bench.config.api.request_timeout = 250ms;
    bench.fault(rule);
    bench.drop("a.ndjson", PipelineBench::records(20));
    CHECK(bench.drain().exit == ExitCode::with_rejects);
    CHECK(counts(bench.receipt("a.ndjson")) == "imported 18 rejected 2 merged 0 unknown 0 rekeyed 0");
    CHECK(bench.server->oracle().jobs_created == 1);
    bench.check_promises();
  }
}

TEST_CASE("Exactly the records that the errors name are rejected, however the answers are written") {
  const std::string_view settings[] = {
      R"({})",
      R"({"status_with_errors":"COMPLETED"})",
      R"({"page_size":1})",
      R"({"page_size":1,"last_token":"empty"})",
      R"({"results_lag":3})",
      R"({"omit_defaults":true})",
      R"({"explicit_nulls":true,"extra_fields":true,"shuffle_fields":true})",
      R"({"total_records_off":5})",
      R"({"processing_counts":"partial","processing_word":"QUEUED","job_time":"40ms"})",
  };
  for (const auto setting : settings) {
    CAPTURE(setting);
    PipelineBench bench(setting);
    bench.set("reject_uids_with", "7");
    bench.drop("a.ndjson", PipelineBench::records(20));
    CHECK(bench.drain().exit == ExitCode::with_rejects);
    CHECK(counts(bench.receipt("a.ndjson")) == "imported 18 rejected 2 merged 0 unknown 0 rekeyed 0");
    const auto rejects = bench.rejects("a.ndjson");
    REQUIRE(rejects.size() == 2);
    CHECK(rejects[0].at("line").to_number<int>() == 8);
    CHECK(rejects[0].at("code").as_string() == "invalid_parameter");
    CHECK(rejects[1].at("line").to_number<int>() == 18);
    CHECK(bench.server->oracle().users == 18);
    bench.check_promises();
  }
}

TEST_CASE("Where the errors do not say who failed, what /imports does not name ends unknown") {
  PipelineBench bench(R"({"reject_uids_with":"7","errors_listed":"none"})");
  bench.drop("a.ndjson", PipelineBench::records(20));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 18 rejected 0 merged 0 unknown 2 rekeyed 0");
  const auto rejects = bench.rejects("a.ndjson");
  REQUIRE(rejects.size() == 2);
  CHECK(rejects[0].at("code").as_string() == "no_verdict");
  CHECK(rejects[0].at("line").to_number<int>() == 8);
  CHECK(bench.log().find("batch 1: 2 of its 20 operations end unknown (no_verdict): ") != std::string::npos);
  bench.check_promises();
}

TEST_CASE("A FAILED job without counts is run again only when its lists name nobody") {
  PipelineBench bench(R"({"reject_uids_with":"7","ended_counts":false})");
  bench.drop("a.ndjson", PipelineBench::records(20));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 18 rejected 2 merged 0 unknown 0 rekeyed 0");
  CHECK(bench.server->oracle().posts == 1);
  bench.check_promises();
}

TEST_CASE(
    "A list of errors that goes in circles ends where it begins to, and the counts say whether that was "
    "all") {
  PipelineBench bench(R"({"reject_uids_with":"7","page_size":1,"page_loop":true})");
  bench.drop("a.ndjson", PipelineBench::records(20));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 18 rejected 2 merged 0 unknown 0 rekeyed 0");
  CHECK(bench.rejects("a.ndjson").at(0).at("code").as_string() == "invalid_parameter");
  bench.check_promises();
}

TEST_CASE(
    "A role that may not read errors is named once at start; without errors all is imported, with them "
    "unknown") {
  PipelineBench bench(R"({"role":"USER"})");
  bench.config.batch.max_records = 5;
  bench.drop("a.ndjson", PipelineBench::records(20));
  CHECK(bench.drain().exit == ExitCode::ok);
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(20));
  const auto said = bench.log();
  const auto first = said.find("role is USER");
  CHECK(first != std::string::npos);
  CHECK(said.find("role is USER", first + 1) == std::string::npos);

  bench.set("reject_uids_with", "7");
  bench.drop("b.ndjson", PipelineBench::records(10, "b"));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  // The batch of the bad one, whole; the other batch is imported.
  CHECK(counts(bench.receipt("b.ndjson")) == "imported 5 rejected 0 merged 0 unknown 5 rekeyed 0");
  for (const auto& line : bench.rejects("b.ndjson"))
    CHECK(line.at("code").as_string() == "errors_unreadable");
  CHECK(bench.log().find(": its records end unknown (errors_unreadable): ") != std::string::npos);
  bench.check_promises();
}

TEST_CASE("A job that vanished is asked for with its key once, and the same job again ends unknown") {
  PipelineBench bench("{}", 4000);
  bench.fault(R"({"call":"create","action":"job_vanish","times":1})");
  bench.drop("a.ndjson", PipelineBench::records(5));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 0 rejected 0 merged 0 unknown 5 rekeyed 0");
  CHECK(bench.rejects("a.ndjson").at(0).at("code").as_string() == "job_vanished");
  const auto seen = bench.server->oracle();
  CHECK(seen.keys == 1);
  CHECK(seen.posts == 2);
  bench.check_promises();
}

TEST_CASE(
    "Another job that the vanished one's key gives is followed, and given its own ten minutes to appear") {
  PipelineBench bench(R"({"idempotency":"off","job_time":"manual"})", 600);
  bench.fault(R"({"call":"create","action":"job_vanish","times":1})");
  bench.drop("a.ndjson", PipelineBench::records(5));
  auto daemon = bench.start();
  REQUIRE(daemon->run_until([&] { return bench.server->oracle().jobs_created == 2; }));
  const auto polls = bench.server->oracle().requests_of(sandbox::Call::status);
  bench.fault(R"({"call":"status","action":"status","code":404,"times":3})");
  REQUIRE(daemon->run_until(
      [&] { return bench.server->oracle().requests_of(sandbox::Call::status) >= polls + 4; }));
  bench.server->finish_jobs();
  CHECK(daemon->finish().exit == ExitCode::ok);
  daemon.reset();
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(5));
  CHECK(bench.server->oracle().keys == 1);
  CHECK(bench.server->oracle().jobs_created == 2);
}

TEST_CASE("A POST that brings no word of a vanished job is repeated at a growing pace") {
  PipelineBench bench("{}", 20'000);
  bench.fault(R"([{"call":"create","action":"job_vanish","times":1},
                  {"call":"create","action":"status","code":503,"after":1,"times":6}])");
  bench.drop("a.ndjson", PipelineBench::records(2));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(bench.rejects("a.ndjson").at(0).at("code").as_string() == "job_vanished");
  const auto seen = bench.server->oracle();
  CHECK(seen.requests_of(sandbox::Call::create) == 8);
  CHECK(seen.keys == 1);
}

TEST_CASE("A vanished job whose key brings no word is given up by limits.job_timeout") {
  PipelineBench bench("{}", 3000);
  bench.config.limits.job_timeout = 1h;
  bench.config.limits.in_progress_batches = 1;
  bench.fault(R"([{"call":"create","action":"job_vanish","times":1},
                  {"call":"create","action":"status","code":503,"batch_contains_uid":"lost","after":1}])");
  bench.drop("a.ndjson", "{\"uid\":\"lost\"}\n");
  bench.drop("b.ndjson", PipelineBench::records(3));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 0 rejected 0 merged 0 unknown 1 rekeyed 0");
  CHECK(bench.rejects("a.ndjson").at(0).at("code").as_string() == "job_abandoned");
  CHECK(counts(bench.receipt("b.ndjson")) == all_imported(3));
  CHECK(bench.server->oracle().keys == 2);
}

TEST_CASE(
    "A job that fails whole and names nobody gets another key, twice; then it is halved, then unknown") {
  SUBCASE("once") {
    PipelineBench bench;
    bench.fault(R"({"call":"create","action":"job_fail","times":1})");
    bench.drop("a.ndjson", PipelineBench::records(4));
    CHECK(bench.drain().exit == ExitCode::ok);
    CHECK(counts(bench.receipt("a.ndjson")) == "imported 4 rejected 0 merged 0 unknown 0 rekeyed 4");
    CHECK(bench.server->oracle().keys == 2);
    bench.check_promises();
  }
  SUBCASE("always, for one record") {
    PipelineBench bench;
    bench.fault(R"({"call":"create","action":"job_fail","batch_contains_uid":"bad"})");
    bench.drop("a.ndjson", PipelineBench::records(3) + "{\"uid\":\"bad\"}\n");
    CHECK(bench.drain().exit == ExitCode::with_rejects);
    CHECK(counts(bench.receipt("a.ndjson")) == "imported 3 rejected 0 merged 0 unknown 1 rekeyed 4");
    CHECK(bench.rejects("a.ndjson").at(0).at("code").as_string() == "no_verdict");
    CHECK(bench.server->oracle().users == 3);
    bench.check_promises();
  }
}

TEST_CASE("A job that never ends is given up by limits.job_timeout, and its users and its place are free") {
  PipelineBench bench("{}", 1500);
  bench.config.limits.job_timeout = 1h;
  bench.config.limits.in_progress_batches = 1;
  bench.fault(R"({"call":"create","action":"job_stuck","times":1})");
  bench.drop("a.ndjson", PipelineBench::records(3));
  bench.drop("b.ndjson", PipelineBench::records(3));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 0 rejected 0 merged 0 unknown 3 rekeyed 0");
  CHECK(bench.rejects("a.ndjson").at(0).at("code").as_string() == "job_abandoned");
  CHECK(bench.log().find("batch 1: its records end unknown (job_abandoned): the job did not end within") !=
        std::string::npos);
  CHECK(counts(bench.receipt("b.ndjson")) == all_imported(3));
  CHECK(bench.server->oracle().applied_twice == 0);
}

TEST_CASE("A job whose errors are never given out is given up by limits.job_timeout, too") {
  PipelineBench bench(R"({"results_lag":1000000,"reject_uids_with":"bad"})", 1500);
  bench.config.limits.job_timeout = 1h;
  bench.config.limits.in_progress_batches = 1;
  bench.drop("a.ndjson", PipelineBench::records(3) + "{\"uid\":\"bad\"}\n");
  bench.drop("b.ndjson", PipelineBench::records(3, "v"));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 0 rejected 0 merged 0 unknown 4 rekeyed 0");
  CHECK(bench.rejects("a.ndjson").at(0).at("code").as_string() == "job_abandoned");
  CHECK(counts(bench.receipt("b.ndjson")) == all_imported(3));
}

TEST_CASE("The operator gives a job up: its records end unknown, its users and its place are free") {
  PipelineBench bench("{}", 4000);
  bench.config.limits.in_progress_batches = 1;
  bench.fault(R"({"call":"create","action":"job_stuck","times":1})");
  bench.drop("a.ndjson", PipelineBench::records(3));
  auto daemon = bench.start();
  auto& delivery = daemon->parts().delivery;
  REQUIRE(daemon->run_until([&] {
    const auto all = delivery.batches();
    return all.size() == 1 && all[0].stage == BatchStage::processing && all[0].age > 30min;
  }));
  const auto job = delivery.batches()[0];
  CHECK(job.records == 3);
  CHECK(job.submitted);
  CHECK(daemon->ask(delivery.abandon("no such job")).error().code == Errc::not_found);
  const auto given_up = daemon->ask(delivery.abandon(job.job));
  REQUIRE(given_up.has_value());
  CHECK(*given_up == 3);
  CHECK(daemon->ask(delivery.abandon(job.job)).error().code == Errc::not_found);
  CHECK(daemon->finish().exit == ExitCode::with_rejects);
  daemon.reset();
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 0 rejected 0 merged 0 unknown 3 rekeyed 0");
  CHECK(bench.rejects("a.ndjson").at(0).at("code").as_string() == "job_abandoned");
  CHECK(bench.rejects("a.ndjson").at(0).at("job").as_string() == job.job);
  // The same users go out at once: nothing of them is held.
  bench.drop("b.ndjson", PipelineBench::records(3));
  CHECK(bench.drain().exit == ExitCode::ok);
  CHECK(counts(bench.receipt("b.ndjson")) == all_imported(3));
}

TEST_CASE("A job is taken up again by the next start, without another POST") {
  PipelineBench bench(R"({"job_time":"manual"})");
  bench.drop("a.ndjson", PipelineBench::records(5));
  auto daemon = bench.start();
  REQUIRE(daemon->run_until([&] {
    const auto all = daemon->parts().delivery.batches();
    return all.size() == 1 && all[0].stage == BatchStage::processing;
  }));
  daemon->break_off();
  daemon.reset();
  CHECK(bench.server->finish_jobs() == 1);
  CHECK(bench.drain().exit == ExitCode::ok);
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(5));
  CHECK(bench.server->oracle().posts == 1);
  bench.check_promises();
}
