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
