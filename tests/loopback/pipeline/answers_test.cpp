#include "tests/loopback/pipeline/pipeline_bench.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

TEST_CASE("What gives no verdict goes out again under the same key, and everything arrives once") {
  struct Row {
    std::string_view name;
    std::string_view rule;
    bool in_both = false;  ///< wordings of what is kept under a key
  };
  const Row rows[] = {
      {"reset before the job was made", R"({"call":"create","action":"reset_before","times":2})"},
      {"reset after the job was made", R"({"call":"create","action":"reset_after_commit","times":2})", true},
      {"a hung server", R"({"call":"create","action":"hang","times":1})"},
      {"hung after the job was made", R"({"call":"create","action":"hang_after_commit","times":1})", true},
      {"one byte a second of the headers", R"({"call":"create","action":"slow_headers","times":1})"},
      {"one byte a second of the body", R"({"call":"create","action":"slow_body","times":1})"},
      {"a truncated answer", R"({"call":"create","action":"truncate","times":2})", true},
      {"garbage", R"({"call":"create","action":"garbage","times":2})"},
      {"a 500 in the API's JSON",
       R"({"call":"create","action":"status","code":500,"layer":"proxy","times":3})", true},
      {"HTML from a proxy", R"({"call":"create","action":"status","code":502,"body":"html","times":2})",
       true},
      {"a 400 that is HTML", R"({"call":"create","action":"status","code":400,"body":"html","times":2})"},
      {"a 503 with nothing in it",
       R"({"call":"create","action":"status","code":503,"body":"empty","times":2})"},
      {"a 200 that is HTML", R"({"call":"create","action":"status","code":200,"body":"html","times":2})"},
      {"an oversized answer",
       R"({"call":"create","action":"status","code":200,"body":"oversized","bytes":3000000,"times":1})"},
      {"a truncated 500", R"({"call":"create","action":"status","code":500,"body":"truncated","times":2})"},
      {"keep-alive closed between requests", R"({"call":"any","action":"close_after"})"},
      {"other codes without the API's JSON",
       R"({"call":"create","action":"status","code":418,"body":"html","times":2})"},
  };
  for (const std::string_view idempotency : {"new", "old"}) {
    for (const auto& row : rows) {
      if (idempotency == "old" && !row.in_both)
        continue;
      CAPTURE(row.name);
      CAPTURE(idempotency);
      PipelineBench bench;
      bench.set("idempotency", idempotency);
      bench.config.api.request_timeout = 250ms;
      bench.fault(row.rule);
      bench.drop("a.ndjson", PipelineBench::records(20));
      CHECK(bench.drain().exit == ExitCode::ok);
      CHECK(counts(bench.receipt("a.ndjson")) == all_imported(20));
      const auto seen = bench.server->oracle();
      CHECK(seen.keys == 1);
      CHECK(seen.jobs_created == 1);
      CHECK(seen.users == 20);
      bench.check_promises();
    }
  }
}

TEST_CASE("A plain 500 that the API replays under its key for a day is left behind with another key") {
  PipelineBench bench(R"({"idempotency":"old"})", 2000);
  bench.fault(R"({"call":"create","action":"status","code":500,"layer":"api","times":1})");
  bench.drop("a.ndjson", PipelineBench::records(10));
  CHECK(bench.drain().exit == ExitCode::ok);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 10 rejected 0 merged 0 unknown 0 rekeyed 10");
  CHECK(bench.server->oracle().keys == 2);
  bench.check_promises();
}

TEST_CASE("More batches than sessions that the API never takes hold no other up") {
  PipelineBench bench(R"({"job_time":"10ms"})", 2000);
  bench.config.batch.max_records = 1;
  constexpr std::size_t kStuck = 12;
  std::string stuck;
  for (std::size_t i = 0; i < kStuck; ++i) {
    stuck += fmt::format("{{\"uid\":\"stuck{}\"}}\n", i);
    bench.fault(fmt::format(
        R"({{"call":"create","action":"status","code":406,"body":"html","batch_contains_uid":"stuck{}"}})",
        i));
  }
  bench.drop("a.ndjson", stuck);
  auto daemon = bench.start(Daemon::Mode::run);
  REQUIRE(daemon->run_until([&] { return bench.server->oracle().requests_of(sandbox::Call::create) >= 9; }));
  bench.drop("b.ndjson", PipelineBench::records(20));
  REQUIRE(daemon->run_until([&] { return !bench.receipt("b.ndjson").empty(); }));
  CHECK(bench.receipt("a.ndjson").empty());
  bench.server->clear_faults();
  REQUIRE(daemon->run_until([&] { return !bench.receipt("a.ndjson").empty(); }));
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(kStuck));
  daemon->break_off();
  bench.check_promises();
}

TEST_CASE("One batch alone drawing 500 is rekeyed, halved to the culprit, and that ends unknown") {
  PipelineBench bench("{}", 400);
  bench.config.batch.max_records = 4;
  bench.fault(R"({"call":"create","action":"status","code":500,"layer":"proxy","batch_contains_uid":"bad"})");
  bench.drop("a.ndjson",
             PipelineBench::records(6) + "{\"uid\":\"bad\"}\n" + PipelineBench::records(1, "last"));
  auto daemon = bench.start(Daemon::Mode::run);
  std::size_t others = 0;
  // Others go on passing for as long as it takes: what draws 500 while nobody passes is an outage, and waited
  // out.
  const auto other = [&] { return "b" + std::to_string(others) + ".ndjson"; };
  REQUIRE(daemon->run_until([&] {
    if (others == 0 || !bench.receipt(other()).empty()) {
      ++others;
      bench.drop(other(), PipelineBench::records(2, "other" + std::to_string(others) + "_"));
    }
    return !bench.receipt("a.ndjson").empty();
  }));
  REQUIRE(
      daemon->run_until([&] { return !bench.receipt(other()).empty() && daemon->parts().settling.idle(); }));
  daemon->break_off();
  const auto rejects = bench.rejects("a.ndjson");
  REQUIRE(rejects.size() == 1);
  CHECK(rejects[0].at("code").as_string() == "no_verdict");
  CHECK(rejects[0].at("stage").as_string() == "unknown");
  CHECK(rejects[0].at("line").to_number<int>() == 7);
  CHECK(rejects[0].at("record").at("uid").as_string() == "bad");
  const auto receipt = bench.receipt("a.ndjson");
  CHECK(receipt.at("imported").to_number<int>() == 7);
  CHECK(receipt.at("unknown").to_number<int>() == 1);
  CHECK(receipt.at("rekeyed").to_number<int>() == 4);
  CHECK(counts(bench.receipt(other())) == all_imported(2));
  CHECK(bench.server->oracle().users == 7 + 2 * others);
  bench.check_promises();
}

TEST_CASE("A refused body is halved to the culprit, which is rejected in the API's words") {
  struct Row {
    std::string_view rule;
    std::string_view code;
  };
  const Row rows[] = {
      {R"({"call":"create","action":"status","code":400,"batch_contains_uid":"bad"})", "invalid_argument"},
      {R"({"call":"create","action":"status","code":422,"batch_contains_uid":"bad"})", ""},
      {R"({"call":"create","action":"status","code":409,"batch_contains_uid":"bad"})", ""},
      {R"({"call":"create","action":"status","code":413,"body":"html","batch_contains_uid":"bad"})",
       "http_413"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.rule);
    PipelineBench bench;
    bench.fault(row.rule);
    bench.drop("a.ndjson",
               PipelineBench::records(11) + "{\"uid\":\"bad\"}\n" + PipelineBench::records(5, "last"));
    CHECK(bench.drain().exit == ExitCode::with_rejects);
    CHECK(counts(bench.receipt("a.ndjson")) == "imported 16 rejected 1 merged 0 unknown 0 rekeyed 0");
    const auto rejects = bench.rejects("a.ndjson");
    REQUIRE(rejects.size() == 1);
    CHECK(rejects[0].at("line").to_number<int>() == 12);
    CHECK(rejects[0].at("stage").as_string() == "api");
    if (!row.code.empty())
      CHECK(rejects[0].at("code").as_string() == row.code);
    CHECK(bench.server->oracle().users == 16);
    bench.check_promises();
  }
}

TEST_CASE("A refusal after an unanswered try on the same key proves nothing while the first may still run") {
  for (const std::string_view code : {"400", "409", "422"}) {
    CAPTURE(code);
    PipelineBench bench("{}", 50);
    bench.config.api.request_timeout = 250ms;
    bench.fault(R"([{"call":"create","action":"hang_after_commit","times":1},
                    {"call":"create","action":"status","layer":"proxy","after":1,"times":4,"code":)" +
                std::string(code) + "}]");
    bench.drop("a.ndjson", PipelineBench::records(8));
    CHECK(bench.drain().exit == ExitCode::ok);
    CHECK(counts(bench.receipt("a.ndjson")) == all_imported(8));
    const auto seen = bench.server->oracle();
    CHECK(seen.keys == 1);
    CHECK(seen.jobs_created == 1);
    bench.check_promises();
  }
}

TEST_CASE("A refusal that lasts beyond ten minutes counts, also after an unanswered try") {
  PipelineBench bench("{}", 3000);
  bench.fault(R"([{"call":"create","action":"reset_after_commit","times":1},
                  {"call":"create","action":"status","code":400,"layer":"proxy","after":1}])");
  bench.drop("a.ndjson", PipelineBench::records(1));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 0 rejected 1 merged 0 unknown 0 rekeyed 0");
  CHECK(bench.server->oracle().keys == 1);
}

TEST_CASE("A body that is too large is halved, and the learnt size holds") {
  for (const std::string_view over : {"json", "html"}) {
    CAPTURE(over);
    PipelineBench bench(R"({"max_body":300000})");
    bench.set("over_body", over);
    const std::string filler(1000, 'x');
    std::string lines;
    for (int i = 0; i < 600; ++i)
      lines += "{\"uid\":\"u" + std::to_string(i) + "\",\"properties\":{\"text\":\"" + filler + "\"}}\n";
    bench.drop("a.ndjson", lines);
    auto daemon = bench.start(Daemon::Mode::run);
    REQUIRE(daemon->run_until([&] { return !bench.receipt("a.ndjson").empty(); }));
    CHECK(counts(bench.receipt("a.ndjson")) == all_imported(600));
    const auto learnt = daemon->parts().batcher.limits().bytes;
    CHECK(learnt <= 330'000);
    CHECK(learnt >= 100'000);
    CHECK(daemon->parts().submitter.stats().lesson.most_bytes(BootTime::max()) == learnt);
    daemon->break_off();
    bench.check_promises();
  }
}

TEST_CASE("An upload that is cut again and again arrives, halved or whole") {
  // Whether the last byte left before the reset came is the kernel's to say: a body that fits into the
  // buffers on the way counts as written, and keeps its key.
  PipelineBench bench;
  bench.fault(R"({"call":"create","action":"reset_mid_body","bytes":100000,"times":4})");
  const std::string filler(4000, 'x');
  std::string lines;
  for (int i = 0; i < 1500; ++i)
    lines += "{\"uid\":\"u" + std::to_string(i) + "\",\"properties\":{\"text\":\"" + filler + "\"}}\n";
  bench.drop("a.ndjson", lines);
  CHECK(bench.drain().exit == ExitCode::ok);
  CHECK(counts(bench.receipt("a.ndjson")) == all_imported(1500));
  CHECK(bench.server->oracle().users == 1500);
  bench.check_promises();
}

TEST_CASE("A lone record is rejected on 413 and never on resets") {
  PipelineBench bench;
  bench.fault(R"({"call":"create","action":"reset_mid_body","bytes":5,"times":6})");
  bench.drop("a.ndjson", PipelineBench::records(1));
  CHECK(bench.drain().exit == ExitCode::ok);
  bench.fault(R"({"call":"create","action":"status","code":413})");
  bench.drop("b.ndjson", PipelineBench::records(1, "b"));
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("b.ndjson")) == "imported 0 rejected 1 merged 0 unknown 0 rekeyed 0");
  bench.check_promises();
}

TEST_CASE("One poison record in fifty thousand is isolated by at most forty extra POSTs") {
  PipelineBench bench("{}", 20);
  bench.config.batch.max_records = 50'000;
  bench.config.batch.linger = 5s;
  bench.fault(R"({"call":"create","action":"status","code":400,"batch_contains_uid":"poison"})");
  std::string lines;
  for (int i = 0; i < 50'000; ++i)
    lines +=
        i == 33'333 ? std::string("{\"uid\":\"poison\"}\n") : "{\"uid\":\"u" + std::to_string(i) + "\"}\n";
  bench.drop("a.ndjson", lines);
  CHECK(bench.drain().exit == ExitCode::with_rejects);
  CHECK(counts(bench.receipt("a.ndjson")) == "imported 49999 rejected 1 merged 0 unknown 0 rekeyed 0");
  const auto rejects = bench.rejects("a.ndjson");
  REQUIRE(rejects.size() == 1);
  CHECK(rejects[0].at("line").to_number<int>() == 33'334);
  CHECK(bench.server->oracle().requests_of(sandbox::Call::create) <= 41);
  CHECK(bench.server->oracle().users == 49'999);
  bench.check_promises();
}
