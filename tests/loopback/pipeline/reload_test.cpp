#include "tests/loopback/pipeline/pipeline_bench.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

TEST_CASE("Changed rules of records hold for what is read from then on") {
  PipelineBench bench(R"({"job_time":"10ms"})");
  auto daemon = bench.start(Daemon::Mode::run);
  const auto settled = [&](const std::string& name) {
    bench.drop(name, "{\"email\":\"someone@example.com\"}\n");
    REQUIRE(
        daemon->run_until([&] { return !bench.receipt(name).empty() && daemon->parts().settling.idle(); }));
    return bench.receipt(name).at("rejected").to_number<int>() == 0;
  };
  CHECK_FALSE(settled("a.ndjson"));
  auto changed = bench.config;
  changed.records.anonymous = AnonymousRecords::accept;
  daemon->reconfigure(changed);
  CHECK(settled("b.ndjson"));
  daemon->reconfigure(bench.config);
  CHECK_FALSE(settled("c.ndjson"));
  daemon->break_off();
  bench.check_promises();
}

TEST_CASE("The path of api.base_url stands once in front of every request") {
  PipelineBench bench(R"({"job_time":"10ms","base_path":"/gateway"})");
  bench.config.api.base_url += "/gateway";
  auto daemon = bench.start(Daemon::Mode::run);
  bench.drop("a.ndjson", PipelineBench::records(20));
  REQUIRE(daemon->run_until([&] { return !bench.receipt("a.ndjson").empty(); }));
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(20));
  daemon->break_off();
  bench.check_promises();
}

TEST_CASE("More sessions carry more batches at once, without a restart") {
  PipelineBench bench(R"({"job_time":"10ms"})");
  bench.config.api.sessions = 1;
  bench.config.batch.max_records = 1;
  auto daemon = bench.start(Daemon::Mode::run);
  // Frozen batches wait at the gate: one more than there are sessions.
  daemon->parts().gate.park(ParkReason::paused);
  const auto frozen = [&] { return daemon->parts().delivery.batches().size(); };
  bench.drop("a.ndjson", PipelineBench::records(20));
  REQUIRE(daemon->run_until([&] { return frozen() == 2; }));
  auto changed = bench.config;
  changed.api.sessions = 4;
  daemon->reconfigure(changed);
  REQUIRE(daemon->run_until([&] { return frozen() == 5; }));
  daemon->reconfigure(bench.config);
  daemon->parts().gate.clear(ParkReason::paused);
  REQUIRE(daemon->run_until([&] { return !bench.receipt("a.ndjson").empty(); }));
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(20));
  daemon->break_off();
  bench.check_promises();
}

TEST_CASE("A batch in line that outgrew a lowered limit is cut anew, whatever holds a place for ever") {
  PipelineBench bench(R"({"job_time":"manual"})");
  bench.config.batch.max_records = 5;
  auto daemon = bench.start(Daemon::Mode::run);
  const auto batches = [&] { return daemon->parts().delivery.batches().size(); };
  daemon->parts().gate.park(ParkReason::paused);
  bench.drop("a.ndjson", PipelineBench::records(10));
  REQUIRE(daemon->run_until([&] { return batches() == 2; }));
  auto changed = bench.config;
  changed.limits.in_progress_batches = 1;
  daemon->reconfigure(changed);
  daemon->parts().gate.clear(ParkReason::paused);
  // One gives way to the other, whose job does not end.
  REQUIRE(daemon->run_until([&] {
    return daemon->parts().submitter.stats().accepted == 1 && daemon->parts().budget.batches() == 1;
  }));
  CHECK(batches() == 2);
  changed.limits.in_progress_operations = 3;
  daemon->reconfigure(changed);
  CHECK(daemon->run_until([&] { return batches() == 3; }));
  CHECK(daemon->run_until([&] {
    bench.server->finish_jobs();
    return !bench.receipt("a.ndjson").empty();
  }));
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(10));
  daemon->break_off();
  bench.check_promises();
}

TEST_CASE("What was packed before smaller batches were ordered is cut anew, if nothing of it was sent") {
  PipelineBench bench(R"({"job_time":"10ms"})");
  bench.config.batch.max_records = 8;
  auto daemon = bench.start(Daemon::Mode::run);
  REQUIRE(daemon->run_until([&] { return bench.server->oracle().requests_of(sandbox::Call::me) == 1; }));
  daemon->parts().gate.park(ParkReason::paused);
  // Some of them wait in the session pool, some are only packed.
  bench.config.api.sessions = 2;
  daemon->reconfigure(bench.config);
  bench.drop("a.ndjson", PipelineBench::records(48));
  REQUIRE(daemon->run_until([&] { return daemon->parts().delivery.batches().size() >= 2; }));
  auto smaller = bench.config;
  std::uint64_t most = 0;
  SUBCASE("of fewer records") {
    smaller.batch.max_records = 3;
    most = 3;
  }
  SUBCASE("of fewer bytes") {
    smaller.batch.max_bytes = 1;
    most = 1;
  }
  daemon->reconfigure(smaller);
  daemon->parts().gate.clear(ParkReason::paused);
  REQUIRE(daemon->run_until([&] { return !bench.receipt("a.ndjson").empty(); }));
  const auto receipt = bench.receipt("a.ndjson");
  CHECK(counts(receipt) == all_imported(48));
  for (const auto& batch : receipt.at("batches").as_array())
    CHECK(batch.at("records").to_number<std::uint64_t>() <= most);
  daemon->break_off();
  bench.check_promises();
}

TEST_CASE("At another address the organisation is asked for again") {
  PipelineBench bench(R"({"job_time":"10ms"})");
  auto daemon = bench.start(Daemon::Mode::run);
  const auto asked = [&] { return bench.server->oracle().requests_of(sandbox::Call::me); };
  REQUIRE(daemon->run_until([&] { return asked() == 1; }));
  auto changed = bench.config;
  changed.limits.burst = 41;
  daemon->reconfigure(changed);
  bench.drop("a.ndjson", PipelineBench::records(1));
  REQUIRE(daemon->run_until([&] { return !bench.receipt("a.ndjson").empty(); }));
  CHECK(asked() == 1);
  changed.api.base_url += "/elsewhere";
  daemon->reconfigure(changed);
  REQUIRE(daemon->run_until([&] { return asked() == 2; }));
  daemon->break_off();
}
