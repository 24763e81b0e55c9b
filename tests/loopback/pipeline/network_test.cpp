#include "tests/loopback/pipeline/pipeline_bench.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

TEST_CASE("No byte goes to a server whose certificate is not good, and all of it once it is") {
  for (const std::string_view certificate : {"expired", "wrong_host", "unknown_authority"}) {
    CAPTURE(certificate);
    PipelineBench bench;
    bench.set("certificate", certificate);
    bench.drop("a.ndjson", PipelineBench::records(5));
    auto daemon = bench.start();
    const auto until = daemon->parts().timers.now().boot + 20s;
    REQUIRE(daemon->run_until([&] { return daemon->parts().timers.now().boot >= until; }));
    for (const auto& [call, codes] : bench.server->oracle().codes)
      CHECK_MESSAGE(codes.empty(), call);
    CHECK(bench.server->oracle().posts == 0);
    bench.set("certificate", "good");
    CHECK(daemon->finish().exit == ExitCode::ok);
    daemon.reset();
    CHECK(counts(bench.receipt("a.ndjson")) == all_imported(5));
    CHECK(bench.server->oracle().keys == 1);
    bench.check_promises();
  }
}

TEST_CASE("An outage is waited out, whenever it begins") {
  PipelineBench bench(R"({"job_time":"manual"})");
  bench.set("listening", "false");
  bench.drop("a.ndjson", PipelineBench::records(5));
  auto daemon = bench.start();
  const auto lasts = [&](Milliseconds span) {
    const auto until = daemon->parts().timers.now().boot + span;
    REQUIRE(daemon->run_until([&] { return daemon->parts().timers.now().boot >= until; }));
  };
  lasts(20s);
  CHECK(bench.log().find("requests in a row came to nothing, the last one because: ") != std::string::npos);
  CHECK(bench.log().find("the API answers again") == std::string::npos);
  const auto outage = daemon->parts().api.outage();
  REQUIRE(outage);
  CHECK(outage->so_far.requests >= 3);
  CHECK(outage->why.find("refused") != std::string::npos);
  bench.set("listening", "true");
  REQUIRE(daemon->run_until([&] { return bench.server->oracle().jobs_created == 1; }));
  bench.set("listening", "false");
  bench.server->finish_jobs();
  lasts(5s);
  bench.set("listening", "true");
  CHECK(daemon->finish().exit == ExitCode::ok);
  CHECK_FALSE(daemon->parts().api.outage());
  daemon.reset();
  CHECK(bench.log().find("the API answers again, after ") != std::string::npos);
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(5));
  CHECK(bench.server->oracle().keys == 1);
  bench.check_promises();
}

TEST_CASE("Everything at once, by chance: every record has one outcome, and nothing runs twice") {
  for (const std::string_view idempotency : {"new", "old"}) {
    CAPTURE(idempotency);
    PipelineBench bench(R"({"job_time":"2ms","job_time_spread":"10ms","apply_order":"random","page_size":3})",
                        100);
    bench.set("idempotency", idempotency);
    bench.set("reject_uids_with", "99");
    bench.config.api.request_timeout = 250ms;
    bench.config.batch.max_records = 20;
    bench.config.limits.in_progress_batches = 6;
    bench.config.limits.in_progress_operations = 120;
    bench.fault(R"([{"call":"any","action":"reset_before","probability":0.05},
                    {"call":"create","action":"reset_after_commit","probability":0.1},
                    {"call":"any","action":"garbage","probability":0.03},
                    {"call":"any","action":"truncate","probability":0.03},
                    {"call":"create","action":"hang_after_commit","probability":0.02},
                    {"call":"any","action":"status","code":503,"body":"html","probability":0.05},
                    {"call":"any","action":"close_after","probability":0.1}])");
    bench.drop("a.ndjson", PipelineBench::records(400));
    bench.drop("b.ndjson", PipelineBench::records(400, "u", 1000));
    CHECK(bench.drain().exit == ExitCode::with_rejects);
    for (const std::string name : {"a.ndjson", "b.ndjson"}) {
      const auto receipt = bench.receipt(name);
      CHECK(receipt.at("records").to_number<int>() == 400);
      // u99, u199, u299, u399.
      CHECK(receipt.at("unknown").to_number<int>() == 0);
      CHECK(receipt.at("rejected").to_number<int>() == 4);
    }
    CHECK(bench.server->oracle().users == 396);
    bench.check_promises();
  }
}
