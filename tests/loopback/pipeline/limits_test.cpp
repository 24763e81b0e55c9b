#include "tests/loopback/pipeline/pipeline_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

TEST_CASE("A 429 is obeyed by the whole client in every form of its Retry-After") {
  struct Row {
    std::string_view form;
    double pace;  ///< only what the server itself measures needs the time to be real
  };
  // A server that asks for longer is believed for thirty days.
  for (const auto& row : {Row{"seconds", 1}, Row{"http_date", 1}, Row{"zero", 1}, Row{"missing", 20},
                          Row{"garbage", 20}, Row{"huge", 6'000'000}}) {
    CAPTURE(row.form);
    PipelineBench bench(R"({"in_progress_batches":2,"in_progress_operations":1000,"job_time":"100ms"})",
                        row.pace);
    bench.set("retry_after", row.form);
    bench.config.batch.max_records = 5;
    bench.drop("a.ndjson", PipelineBench::records(20));
    CHECK(bench.drain().exit == ExitCode::ok);
    CHECK(counts(bench.receipt("a.ndjson")) == all_imported(20));
    const auto seen = bench.server->oracle();
    CHECK(seen.answered_429 >= 1);
    CHECK(seen.peak_in_progress_batches <= 2);
    CHECK(seen.users == 20);
    if (row.pace == 1)
      bench.check_promises();
  }
}

TEST_CASE("A batch that the organisation never takes whole is halved after three refusals") {
  PipelineBench bench(R"({"in_progress_operations":10})", 20);
  bench.drop("a.ndjson", PipelineBench::records(16));
  CHECK(bench.drain().exit == ExitCode::ok);
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(16));
  const auto seen = bench.server->oracle();
  CHECK(seen.answered_429 >= 3);
  CHECK(seen.peak_in_progress_operations <= 10);
}

TEST_CASE("Neighbours that take the organisation's limits are given way to, and everything arrives") {
  PipelineBench bench(R"({"in_progress_batches":10,"job_time":"10ms"})", 20);
  bench.server->set_neighbour(8, 0);
  bench.config.batch.max_records = 2;
  bench.drop("a.ndjson", PipelineBench::records(60));
  CHECK(bench.drain().exit == ExitCode::ok);
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(60));
  CHECK(bench.server->oracle().peak_in_progress_batches <= 2);
}

TEST_CASE("A job that never ends in the only place that refusals left does not hold up the others for ever") {
  PipelineBench bench(R"({"job_time":"10ms"})", 400);
  bench.config.limits.in_progress_batches = 2;
  bench.config.batch.max_records = 5;
  bench.fault(R"({"call":"create","action":"job_stuck","batch_contains_uid":"stuck0"})");
  bench.drop("a.ndjson", PipelineBench::records(1, "stuck"));
  auto daemon = bench.start(Daemon::Mode::run);
  REQUIRE(daemon->run_until([&] { return bench.server->oracle().jobs_created == 1; }));
  bench.fault(R"({"call":"create","action":"status","code":429,"times":1})");
  bench.drop("b.ndjson", PipelineBench::records(40));
  REQUIRE(daemon->run_until([&] { return daemon->parts().budget.usable_batches() == 1; }));
  REQUIRE(daemon->run_until([&] { return !bench.receipt("b.ndjson").empty(); }));
  CHECK(counts(bench.receipt("b.ndjson")) == all_imported(40));
  CHECK(daemon->parts().budget.batches() == 1);
  bench.server->finish_jobs();
  REQUIRE(daemon->run_until([&] { return !bench.receipt("a.ndjson").empty(); }));
  daemon->break_off();
  bench.check_promises();
}

TEST_CASE("The halves of a refused batch wait for their places") {
  PipelineBench bench(R"({"job_time":"20ms"})");
  bench.config.limits.in_progress_batches = 1;
  bench.config.limits.in_progress_operations = 50;
  bench.config.batch.max_records = 16;
  bench.fault(R"({"call":"create","action":"status","code":400,"batch_contains_uid":"u5"})");
  bench.drop("a.ndjson", PipelineBench::records(40));
  // Later updates of the same users wait for the halves that hold them.
  bench.drop("b.ndjson", PipelineBench::records(40, "u", 1000));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(bench.server->oracle().users == 39);
  CHECK(bench.server->oracle().peak_in_progress_batches == 1);
  bench.check_promises();
}

TEST_CASE("An abandoned key keeps its place in the budget, through a halving and a restart") {
  PipelineBench bench(R"({"job_time":"manual"})", 400);
  bench.config.limits.in_progress_batches = 3;
  bench.config.limits.in_progress_operations = 1000;
  bench.config.batch.max_records = 4;
  // Each try made a job that nobody was told of: every abandoned key does run.
  bench.fault(R"([{"call":"create","action":"reset_after_commit","batch_contains_uid":"bad","times":1},
                  {"call":"create","action":"status","code":500,"layer":"proxy","batch_contains_uid":"bad","times":30}])");
  bench.drop("a.ndjson", "{\"uid\":\"bad\"}\n" + PipelineBench::records(3));
  auto daemon = bench.start(Daemon::Mode::run);
  // Eight refusals with nobody else passing, and the key is given up.
  REQUIRE(daemon->run_until([&] { return daemon->parts().budget.keys() == 1; }));
  bench.drop("b.ndjson", PipelineBench::records(40, "other"));
  SUBCASE("as long as the process lives") {}
  SUBCASE("after a restart") {
    daemon->break_off();
    daemon.reset();
    daemon = bench.start(Daemon::Mode::run);
    REQUIRE(daemon->run_until([&] { return daemon->parts().budget.keys() == 1; }));
  }
  // Others pass and end, so that the batch is halved at last and the halves give their keys up in their turn.
  std::size_t most = 0;
  REQUIRE(daemon->run_until([&] {
    most = std::max<std::size_t>(most, daemon->parts().budget.keys());
    for (const auto& batch : daemon->parts().delivery.batches()) {
      if (batch.stage == BatchStage::processing && batch.abandoned_keys == 0)
        bench.server->finish_jobs(batch.job);
    }
    return most >= 2;
  }));
  bench.server->clear_faults();
  REQUIRE(daemon->run_until([&] {
    for (const auto& batch : daemon->parts().delivery.batches()) {
      if (batch.stage == BatchStage::processing)
        bench.server->finish_jobs(batch.job);
    }
    return !bench.receipt("a.ndjson").empty() && !bench.receipt("b.ndjson").empty();
  }));
  CHECK(daemon->parts().budget.keys() == 0);
  CHECK(daemon->parts().budget.batches() == 0);
  daemon->break_off();
  CHECK(counts(bench.receipt("b.ndjson")) == all_imported(40));
  CHECK(bench.receipt("a.ndjson").at("rekeyed").to_number<int>() == 4);
  // The job that was never told of is among these.
  CHECK(bench.server->oracle().peak_in_progress_batches <= 3);
}

TEST_CASE(
    "Lowered limits cancel nothing; what was not sent waits until the counts are below, and is cut anew") {
  PipelineBench bench(R"({"job_time":"manual"})");
  bench.config.batch.max_records = 8;
  bench.server->revoke_key();
  bench.drop("a.ndjson", PipelineBench::records(32));
  auto daemon = bench.start(Daemon::Mode::run);
  // Its identity is asked for first; the key is good again before the batches are frozen, then paused.
  bench.server->accept_key(bench.server->key());
  daemon->parts().gate.park(ParkReason::paused);
  REQUIRE(daemon->run_until([&] { return daemon->parts().delivery.batches().size() == 4; }));
  for (const auto& batch : daemon->parts().delivery.batches())
    CHECK(batch.stage == BatchStage::waiting);
  auto lowered = bench.config;
  lowered.limits.in_progress_batches = 2;
  lowered.limits.in_progress_operations = 5;
  daemon->reconfigure(lowered);
  daemon->parts().gate.clear(ParkReason::paused);
  REQUIRE(daemon->run_until([&] {
    bench.server->finish_jobs();
    return !bench.receipt("a.ndjson").empty();
  }));
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(32));
  daemon->break_off();
  const auto seen = bench.server->oracle();
  CHECK(seen.peak_in_progress_operations <= 5);
  CHECK(seen.peak_in_progress_batches <= 2);
  CHECK(seen.jobs_created >= 8);
  bench.check_promises();
}
