#include "tests/unit/settle/replay_bench.hpp"

using namespace usherd;
using namespace usherd::test;
using Reason = ReplayRefusal::Reason;

namespace {

std::string record(std::string_view uid, int n) {
  return fmt::format(R"({{"uid":"{}","properties":{{"n":{}}}}})", uid, n);
}

/// One file of three users, delivered in one batch, the records of `refused` of them rejected.
void delivered(ReplayBench& bench, const std::vector<std::string>& refused, Stage stage = Stage::api) {
  bench.file(1, {record("a", 1), record("b", 1), record("c", 1)}, 3);
  bench.batch(1, 1, 1, {"a", "b", "c"});
  bench.end(1, 1, refused);
  std::uint64_t line = 0;
  for (const auto* user : {"a", "b", "c"}) {
    ++line;
    if (std::find(refused.begin(), refused.end(), user) != refused.end())
      bench.reject(1, line, stage, "bad", record(user, 1), 1);
  }
}

}  // namespace

TEST_CASE("a retry drops the records in their order of acceptance and marks their lines") {
  ReplayBench bench;
  delivered(bench, {"a", "c"});
  bench.file(2, {record("d", 2)}, 1);
  bench.reject(2, 1, Stage::local, "too_long", record("d", 2), 0);
  ReplayOrder trial;
  trial.dry_run = true;
  CHECK(bench.retry(trial).value().done == 3);
  CHECK(bench.disk.names(bench.layout.incoming()).empty());

  const auto report = bench.retry();
  REQUIRE(report.has_value());
  CHECK(report->done == 3);
  CHECK(report->file == "retry-1.ndjson");
  CHECK(bench.disk.content(bench.layout.incoming() + "/retry-1.ndjson") ==
        record("a", 1) + "\n" + record("c", 1) + "\n" + record("d", 2) + "\n");
  CHECK(
      bench.disk.content(bench.rejects_path(1)).find(R"(,"retried_as":"retry-1.ndjson","retried_line":2})") !=
      std::string::npos);
  // Until that file is accepted nobody knows what else is coming.
  CHECK(bench.retry().error().code == Errc::unavailable);
  REQUIRE(bench.disk.remove(bench.layout.incoming() + "/retry-1.ndjson"));
  const auto again = bench.retry();
  REQUIRE(again.has_value());
  CHECK(again->done == 0);
  CHECK(again->already == 3);
}

TEST_CASE("a retry never overwrites newer data, which it names; what was itself rejected is none") {
  ReplayBench bench;
  delivered(bench, {"a", "b", "c"});
  bench.file(2, {record("a", 2), record("b", 2)}, 2);
  bench.batch(2, 2, 1, {"a", "b"});
  bench.end(2, 2, {"b"});
  bench.reject(2, 2, Stage::api, "bad", record("b", 2), 2);
  ReplayOrder first;
  first.filter.file = "f1.ndjson";
  const auto report = bench.retry(first);
  REQUIRE(report.has_value());
  CHECK(report->done == 2);  // b, whose newer one was rejected, too, and c
  REQUIRE(report->refusals.size() == 1);
  CHECK(report->refusals[0].line == 1);
  CHECK(report->refusals[0].reason == Reason::newer_data);
  CHECK(report->refusals[0].detail == "f2.ndjson line 1, batch 2 is newer and may have been imported");
}

TEST_CASE("an update on its way, or not even read, is newer data too, also with --force") {
  ReplayBench bench;
  delivered(bench, {"a", "b"});
  bench.file(2, {record("a", 2)}, 1);
  bench.batch(2, 2, 1, {"a"});
  bench.file(3, {record("x", 3), record("b", 3)}, 0);
  ReplayOrder order;
  order.force = true;
  const auto report = bench.retry(order);
  REQUIRE(report.has_value());
  CHECK(report->done == 0);
  REQUIRE(report->refusals.size() == 2);
  CHECK(report->refusals[0].detail == "f2.ndjson line 1, batch 2 is newer and is on its way");
  CHECK(report->refusals[1].detail == "f3.ndjson line 2 is newer and is on its way");
  CHECK(report->file.empty());
}

TEST_CASE("what is left of a waiting file that was made shorter is newer data too") {
  ReplayBench bench;
  delivered(bench, {"a", "b", "c"});
  bench.file(2, {record("a", 2), record("x", 2), record("b", 2)}, 0);
  const auto path = bench.layout.working() + "/" + SpoolLayout::working_name(2, "f2.ndjson");
  // In the middle of the last record: nobody knows any more whose it was.
  bench.disk.put(path, bench.disk.content(path).substr(0, record("a", 2).size() * 2 + 10));
  const auto report = bench.retry();
  REQUIRE(report.has_value());
  CHECK(report->done == 2);
  REQUIRE(report->refusals.size() == 1);
  CHECK(report->refusals[0].line == 1);
  CHECK(report->refusals[0].detail == "f2.ndjson line 1 is newer and is on its way");
}

TEST_CASE("a newer unknown one stands against an older, also where both would go") {
  ReplayBench bench;
  delivered(bench, {"a"}, Stage::unknown);
  bench.file(2, {record("a", 2), record("z", 2)}, 2);
  bench.batch(2, 2, 1, {"a", "z"});
  bench.end(2, 2, {"a"});
  bench.reject(2, 1, Stage::unknown, "no_verdict", record("a", 2), 2);
  ReplayOrder first;
  first.filter.file = "f1.ndjson";
  first.dry_run = true;
  CHECK(bench.retry(first).value().refusals.at(0).reason == Reason::newer_data);
  // The newer one may have been imported, and be refused now.
  const auto report = bench.retry();
  REQUIRE(report.has_value());
  CHECK(report->done == 1);
  CHECK(report->refusals.at(0).line == 1);
  CHECK(bench.disk.content(bench.layout.incoming() + "/retry-1.ndjson") == record("a", 2) + "\n");
}

namespace {

ReplayOrder coded(const char* code) {
  ReplayOrder order;
  order.filter.code = code;
  return order;
}

/// Two updates of one user, each rejected with a code of its own.
void rejected_twice(ReplayBench& bench) {
  for (const FileNumber file : {FileNumber{1}, FileNumber{2}}) {
    bench.file(file, {record("a", static_cast<int>(file))}, 1);
    bench.batch(file, file, 1, {"a"});
    bench.end(file, file, {"a"});
    bench.reject(file, 1, Stage::api, file == 1 ? "older" : "newer", record("a", static_cast<int>(file)),
                 file);
  }
}

}  // namespace

TEST_CASE(
    "what a retry sent counts as old as it was: the newer one of the user may follow, never the other way") {
  ReplayBench bench;
  rejected_twice(bench);
  SUBCASE("the older one first") {
    REQUIRE(bench.retry(coded("older")).value().done == 1);
    bench.accept_retry(3, 3, "retry-1.ndjson", {"a"});
    SUBCASE("on its way") {}
    SUBCASE("imported") {
      bench.end(3, 3, {});
    }
    CHECK(bench.retry(coded("newer"), "retry-2.ndjson").value().done == 1);
  }
  SUBCASE("the newer one first") {
    REQUIRE(bench.retry(coded("newer")).value().done == 1);
    bench.accept_retry(3, 3, "retry-1.ndjson", {"a"});
    bench.end(3, 3, {});
    auto order = coded("older");
    order.force = true;
    const auto report = bench.retry(order, "retry-2.ndjson").value();
    CHECK(report.done == 0);
    CHECK(report.refusals.at(0).detail == "retry-1.ndjson line 1, batch 3 is newer and was imported");
  }
}

TEST_CASE("what was rejected again keeps its first age, beside the other and against it") {
  ReplayBench bench;
  rejected_twice(bench);
  REQUIRE(bench.retry(coded("older")).value().done == 1);
  bench.accept_retry(3, 3, "retry-1.ndjson", {"a"});
  bench.end(3, 3, {"a"});
  bench.reject(3, 1, Stage::api, "again", record("a", 1), 3);
  SUBCASE("both go, the older one first") {
    REQUIRE(bench.retry({}, "retry-2.ndjson").value().done == 2);
    CHECK(bench.disk.content(bench.layout.incoming() + "/retry-2.ndjson") ==
          record("a", 1) + "\n" + record("a", 2) + "\n");
  }
  SUBCASE("not over the newer one, also where nobody knows its first place any more") {
    REQUIRE(bench.retry(coded("newer"), "retry-2.ndjson").value().done == 1);
    bench.accept_retry(4, 4, "retry-2.ndjson", {"a"});
    bench.end(4, 4, {});
    SUBCASE("its marks stand") {}
    SUBCASE("they were dropped") {
      REQUIRE(bench.drop(coded("older")).value().done == 1);
    }
    CHECK(bench.retry(coded("again"), "retry-3.ndjson").value().done == 0);
  }
}

TEST_CASE("records of a document of one line go in its order, whichever was rejected first") {
  ReplayBench bench;
  bench.names[1] = "f1.json";
  std::string lines;
  for (const int n : {2, 1}) {
    const auto bytes = record("a", n);
    RejectLine reject;
    reject.file = "f1.json";
    reject.line = 1;
    reject.offset = static_cast<std::uint64_t>(n) * 40;
    reject.code = "bad";
    reject.record = bytes;
    append_reject_line(lines, reject);
  }
  bench.disk.put(bench.rejects_path(1), lines);
  ReplayOrder order;
  order.force = true;
  REQUIRE(bench.retry(order).value().done == 2);
  CHECK(bench.disk.content(bench.layout.incoming() + "/retry-1.ndjson") ==
        record("a", 1) + "\n" + record("a", 2) + "\n");
}

TEST_CASE("where the marks of a retry were dropped, it counts as new as its file") {
  ReplayBench bench;
  rejected_twice(bench);
  REQUIRE(bench.retry(coded("older")).value().done == 1);
  bench.accept_retry(3, 3, "retry-1.ndjson", {"a"});
  bench.end(3, 3, {});
  REQUIRE(bench.drop(coded("older")).value().done == 1);
  CHECK(bench.retry(coded("newer"), "retry-2.ndjson").value().done == 0);
}

TEST_CASE("what is older than a forgotten file needs to be forced") {
  ReplayBench bench;
  delivered(bench, {"a"});
  bench.file(2, {record("y", 1)}, 1);
  bench.batch(2, 2, 1, {"y"});
  bench.end(2, 2, {});
  REQUIRE(bench.ledger.commit([](Ledger& open) { return open.file_settled(2, 1, imported(1), wall(9)); }));
  REQUIRE(bench.ledger.commit([](Ledger& open) { return open.forget_file(2); }));
  const auto report = bench.retry();
  REQUIRE(report.has_value());
  CHECK(report->done == 0);
  CHECK(report->refusals.at(0).reason == Reason::older_than_index);
  ReplayOrder order;
  order.force = true;
  CHECK(bench.retry(order).value().done == 1);
  // In the file of the retry it is as old as it was.
  bench.accept_retry(3, 3, "retry-1.ndjson", {"a"});
  bench.end(3, 3, {"a"});
  bench.reject(3, 1, Stage::api, "bad", record("a", 1), 3);
  const auto again = bench.retry({}, "retry-2.ndjson");
  REQUIRE(again.has_value());
  CHECK(again->done == 0);
  CHECK(again->refusals.at(0).reason == Reason::older_than_index);
  CHECK(bench.retry(order, "retry-2.ndjson").value().done == 1);
}

TEST_CASE("an anonymous record goes again by itself only where it made no user") {
  ReplayBench bench;
  const std::string anonymous = R"({"email":"x"})";
  delivered(bench, {"a"}, Stage::unknown);
  bench.reject(1, 4, Stage::unknown, "key_expired", anonymous, 1);
  bench.reject(1, 5, Stage::api, "bad", anonymous, 1);
  ReplayOrder order;
  order.dry_run = true;
  const auto report = bench.retry(order).value();
  CHECK(report.done == 2);
  REQUIRE(report.refusals.size() == 1);
  CHECK(report.refusals[0].line == 4);
  CHECK(name_of(report.refusals[0].reason) == "second_user");
  order.force = true;
  CHECK(bench.retry(order).value().done == 3);
}

TEST_CASE("what is no JSON stays, and other files are waited for") {
  ReplayBench bench;
  delivered(bench, {"a"});
  bench.reject(1, 9, Stage::local, "invalid_json", "{\"uid\":", 0);
  ReplayOrder order;
  order.dry_run = true;
  const auto report = bench.retry(order);
  REQUIRE(report.has_value());
  CHECK(report->done == 1);
  CHECK(report->refusals.at(0).reason == Reason::not_json);
  CHECK(report->refusals.at(0).detail == "it is no JSON: export it, correct it, and submit it");
  bench.reject(1, 10, Stage::local, "number_out_of_range", R"({"uid":"a","properties":{"n":1e999}})", 0);
  CHECK(bench.retry(order)->refusals.at(1).detail ==
        "it cannot be sent as it stands (number_out_of_range): export it, correct it, and submit it");
  bench.disk.put(bench.layout.incoming() + "/new.ndjson", record("a", 5));
  CHECK(bench.retry(order).error().code == Errc::unavailable);
}

TEST_CASE("a file between its rename into working/ and its row in the ledger is waited for") {
  ReplayBench bench;
  delivered(bench, {"a"});
  const auto claimed = bench.layout.working() + "/" + SpoolLayout::working_name(2, "new.ndjson");
  bench.disk.put(claimed, record("a", 5));
  const auto refused = bench.retry();
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(refused.error().message == "new.ndjson is being accepted and may hold newer data: try again");
  REQUIRE(bench.disk.remove(claimed));
  CHECK(bench.retry().value().done == 1);
}

TEST_CASE("what is not UTF-8 is never sent again as another user, and is told what to do") {
  ReplayBench bench;
  delivered(bench, {});
  bench.reject(1, 9, Stage::local, "invalid_utf8", "{\"uid\":\"lat2\xE9\"}", 0);
  ReplayOrder order;
  order.force = true;
  const auto report = bench.retry(order);
  REQUIRE(report.has_value());
  CHECK(report->done == 0);
  CHECK(report->refusals.at(0).reason == Reason::not_json);
  CHECK(report->refusals.at(0).detail == "it is not UTF-8: export it, write it in UTF-8, and submit it");
}

TEST_CASE("dropping forgets the chosen lines alone, and a file without lines") {
  ReplayBench bench;
  delivered(bench, {"a", "b"});
  ReplayOrder order;
  order.filter.uid = "a";
  order.dry_run = true;
  CHECK(bench.drop(order).value().done == 1);
  order.dry_run = false;
  const auto before = bench.disk.content(bench.rejects_path(1));
  CHECK(bench.drop(order).value().done == 1);
  CHECK(bench.disk.content(bench.rejects_path(1)) == before.substr(before.find('\n') + 1));
  SUBCASE("one that has settled") {
    REQUIRE(bench.ledger.commit([](Ledger& open) {
      return open.file_settled(1, 3, {1, 2, 0, 0, 0}, wall(9));
    }));
    CHECK(bench.drop({}).value().done == 1);
    CHECK_FALSE(bench.disk.exists(bench.rejects_path(1)));
  }
  SUBCASE("one that settles later would else make them anew") {
    CHECK(bench.drop({}).value().done == 1);
    REQUIRE(bench.disk.exists(bench.rejects_path(1)));
    CHECK(bench.disk.content(bench.rejects_path(1)).empty());
  }
  CHECK(bench.drop({}).value().matched == 0);
}

TEST_CASE("where a line of rejects cannot be read, none is dropped") {
  ReplayBench bench;
  delivered(bench, {"a"});
  bench.file(2, {record("d", 2)}, 1);
  bench.reject(2, 1, Stage::local, "too_long", record("d", 2), 0);
  bench.disk.put(bench.rejects_path(2), "{}\n");
  const auto before = std::string(bench.disk.content(bench.rejects_path(1)));
  CHECK(bench.drop({}).error().code == Errc::corrupt);
  CHECK(bench.disk.content(bench.rejects_path(1)) == before);
}

TEST_CASE("a producer's file of another format that is named like a retry is none") {
  for (const char* name : {"retry-users.csv", "retry-users.json", "retry-users.ndjson", "users.csv"}) {
    CAPTURE(name);
    ReplayBench bench;
    bench.names[1] = name;
    bench.file(1, {record("a", 1), record("a", 2)}, 2);
    bench.batch(1, 1, 1, {"a"});
    bench.end(1, 1, {"a"});
    bench.batch(2, 1, 2, {"a"});
    bench.end(2, 1, {});
    // Of its first record, which stands in a later line of the original than in what it was converted to.
    bench.reject(1, name == std::string("retry-users.ndjson") ? 1 : 2, Stage::api, "bad", record("a", 1), 1);
    const auto report = bench.retry({}, "retry-1.ndjson");
    REQUIRE(report.has_value());
    CHECK(report->done == 0);
    CHECK(report->refusals.at(0).reason == Reason::newer_data);
  }
}
