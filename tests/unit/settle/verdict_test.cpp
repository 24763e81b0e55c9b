#include "usherd/settle/verdict.hpp"

#include "tests/fakes/mem_files.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

using namespace usherd;

namespace {

UserKeys keys_for_tests() {
  std::array<std::byte, UserKeys::kSecretBytes> secret{};
  for (std::size_t i = 0; i < secret.size(); ++i)
    secret[i] = static_cast<std::byte>(i * 7 + 3);
  return UserKeys(secret);
}

struct Sent {
  std::string uid;
  std::string id;
  std::string record;
};

/// A batch in memory and the verdict over it.
struct Batch {
  explicit Batch(std::vector<Sent> records) : sent(std::move(records)) {
    for (const auto& record : sent) {
      row.users.push_back(!record.uid.empty()  ? keys.uid(record.uid)
                          : !record.id.empty() ? keys.id(record.id)
                                               : 0);
      row.seconds.push_back(!record.uid.empty() && !record.id.empty() ? keys.id(record.id) : 0);
    }
  }
  JobVerdict verdict() {
    return JobVerdict(row, keys, [this](std::uint32_t index) -> Result<std::string> {
      ++reads;
      if (failure)
        return *failure;
      return sent.at(index).record;
    });
  }

  UserKeys keys = keys_for_tests();
  std::vector<Sent> sent;
  BatchRow row;
  std::optional<Error> failure;
  std::size_t reads = 0;
};

Sent named(const std::string& uid) {
  return {uid, "", R"({"uid":")" + uid + R"(","properties":{"a":1}})"};
}
Sent anonymous(const std::string& record) {
  return {"", "", record};
}

ResultItem error_of(const std::string& uid, const std::string& code = "c", const std::string& message = "m") {
  return {code, message, uid, std::nullopt, R"({"uid":")" + uid + R"("})"};
}
ResultItem echo(const std::string& user) {
  return {"c", "m", std::nullopt, std::nullopt, user};
}

JobAnswer ended(JobStatus status, std::optional<std::uint64_t> imports, std::uint64_t errors) {
  JobAnswer answer;
  answer.status = status;
  answer.status_known = true;
  answer.imports_given = imports.has_value();
  answer.imports = imports.value_or(0);
  answer.errors = errors;
  return answer;
}
constexpr auto kFailed = JobStatus::failed;
constexpr auto kCompleted = JobStatus::completed;

/// "0 rejected c m" for each entry.
std::vector<std::string> shown(const BatchVerdict& verdict) {
  std::vector<std::string> lines;
  for (const auto& entry : verdict.entries) {
    const auto& reason = verdict.reasons.at(entry.reason);
    const auto* const end = entry.end == OperationEnd::rejected  ? " rejected "
                            : entry.end == OperationEnd::unknown ? " unknown "
                                                                 : " imported ";
    lines.push_back(std::to_string(entry.index) + end + reason.code);
  }
  return lines;
}
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("counts decide what an ended job says of its batch") {
  struct Row {
    const char* what;
    JobStatus status;
    std::optional<std::uint64_t> imports;
    std::uint64_t errors;
    JobEnd end;
  };
  const std::vector<Row> rows{
      {"completed, all imported", kCompleted, 5, 0, JobEnd::all_imported},
      {"completed without counts", kCompleted, std::nullopt, 0, JobEnd::read_errors},
      {"completed with errors, as one page shows", kCompleted, 4, 1, JobEnd::read_errors},
      {"completed, fewer imported than sent", kCompleted, 4, 0, JobEnd::read_errors},
      {"completed, none imported", kCompleted, 0, 0, JobEnd::read_errors},
      {"completed, more imported than sent", kCompleted, 6, 0, JobEnd::read_errors},
      {"failed in part", kFailed, 3, 2, JobEnd::read_errors},
      {"failed whole, every error counted", kFailed, 0, 5, JobEnd::read_errors},
      {"failed, imports left out", kFailed, std::nullopt, 5, JobEnd::read_errors},
      {"failed, yet all imported", kFailed, 5, 0, JobEnd::all_imported},
      {"failed, no errors, some imported", kFailed, 3, 0, JobEnd::read_errors},
      {"failed, nothing imported, no errors", kFailed, 0, 0, JobEnd::failed_without_errors},
      {"failed without counts", kFailed, std::nullopt, 0, JobEnd::failed_without_errors},
      {"all imported and errors too", kFailed, 5, 1, JobEnd::read_errors},
      {"an errors count that cannot be read", kCompleted, 5, kUnreadableCount, JobEnd::read_errors},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(judge(row.status, row.imports, row.errors, 5) == row.end);
  }
}

TEST_CASE("where errors may not be read, counts alone say imported or unknown") {
  CHECK(verdict_without_errors(ended(kCompleted, 3, 0), 3).entries.empty());
  CHECK(verdict_without_errors(ended(kCompleted, std::nullopt, 0), 3).entries.empty());
  CHECK(verdict_without_errors(ended(kFailed, 3, 0), 3).entries.empty());
  const Lines all{"0 unknown errors_unreadable", "1 unknown errors_unreadable",
                  "2 unknown errors_unreadable"};
  CHECK(shown(verdict_without_errors(ended(kFailed, 2, 1), 3)) == all);
  CHECK(shown(verdict_without_errors(ended(kCompleted, 2, 1), 3)) == all);
  CHECK(shown(verdict_without_errors(ended(kFailed, 2, 0), 3)) == all);
}

TEST_CASE("named records are rejected with the API's words and the others were imported") {
  Batch batch({named("a"), named("b"), named("c"), named("d")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(error_of("d", "code_d", "first")).has_value());
  REQUIRE(verdict.add_error(error_of("b", "code_b", "second")).has_value());
  for (const auto& answer : {ended(kFailed, 2, 2), ended(kCompleted, 2, 2)}) {
    CHECK(verdict.is_complete(answer));
    CHECK(shown(verdict.verdict(answer)) == Lines{"1 rejected code_b", "3 rejected code_d"});
  }
  CHECK(verdict.verdict(ended(kFailed, 2, 2)).reasons.at(0).message == "first");
  CHECK_FALSE(verdict.failed_without_errors(ended(kFailed, 0, 2)));
  CHECK(batch.reads == 2);
}

TEST_CASE("only counts that agree settle a batch without reading the imports") {
  struct Row {
    const char* what;
    JobAnswer answer;
    bool complete;
  };
  const std::vector<Row> rows{
      {"they add up", ended(kFailed, 2, 1), true},
      {"fewer imports", ended(kFailed, 1, 1), false},
      {"more imports", ended(kFailed, 3, 1), false},
      {"imports said to be none", ended(kFailed, 0, 1), false},
      {"imports left out", ended(kFailed, std::nullopt, 1), false},
      {"more errors counted than named", ended(kFailed, 1, 2), false},
      {"fewer errors counted than named", ended(kFailed, 3, 0), false},
      {"more errors than records", ended(kFailed, 2, 17), false},
      {"counts that overflow together", ended(kFailed, std::numeric_limits<std::uint64_t>::max(), 4), false},
      {"errors that cannot be read", ended(kFailed, 2, kUnreadableCount), false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Batch batch({named("a"), named("b"), named("c")});
    auto verdict = batch.verdict();
    REQUIRE(verdict.add_error(error_of("b")).has_value());
    CHECK(verdict.is_complete(row.answer) == row.complete);
    CHECK_FALSE(verdict.has_unmatched());
  }
}

TEST_CASE(
    "an imports count that was left out is none where every record failed, and trusted where a job "
    "completed") {
  Batch batch({named("a")});
  auto all_failed = batch.verdict();
  REQUIRE(all_failed.add_error(error_of("a")).has_value());
  CHECK(all_failed.is_complete(ended(kFailed, std::nullopt, 1)));
  const auto nothing_named = batch.verdict();
  CHECK(nothing_named.is_complete(ended(kCompleted, std::nullopt, 0)));
  CHECK_FALSE(nothing_named.is_complete(ended(kCompleted, 0, 0)));
  CHECK_FALSE(nothing_named.is_complete(ended(kFailed, std::nullopt, 0)));
}

TEST_CASE("an error that matches no record sends to the imports, and what neither names is unknown") {
  Batch batch({named("a"), named("b"), named("c")});
  auto verdict = batch.verdict();
  const auto answer = ended(kFailed, 1, 2);
  REQUIRE(verdict.add_error(error_of("b")).has_value());
  REQUIRE(verdict.add_error(error_of("stranger")).has_value());
  CHECK(verdict.has_unmatched());
  CHECK_FALSE(verdict.is_complete(answer));
  REQUIRE(verdict.add_import(error_of("a")).has_value());
  CHECK(shown(verdict.verdict(answer)) == Lines{"1 rejected c", "2 unknown no_verdict"});
}

TEST_CASE("a record that both lists name is rejected") {
  Batch batch({named("a"), named("b")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(error_of("a")).has_value());
  REQUIRE(verdict.add_import(error_of("a")).has_value());
  REQUIRE(verdict.add_import(error_of("b")).has_value());
  CHECK(shown(verdict.verdict(ended(kFailed, 2, 1))) == Lines{"0 rejected c"});
}

TEST_CASE("an error that comes twice counts once") {
  Batch batch({named("a"), named("b")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(error_of("a", "first")).has_value());
  REQUIRE(verdict.add_error(error_of("a", "second")).has_value());
  CHECK_FALSE(verdict.has_unmatched());
  CHECK(verdict.is_complete(ended(kFailed, 1, 1)));
  CHECK(shown(verdict.verdict(ended(kFailed, 1, 1))) == Lines{"0 rejected first"});
}

TEST_CASE("a FAILED job that imported nothing and names nobody asks for another key") {
  Batch batch({named("a"), named("b")});
  auto verdict = batch.verdict();
  CHECK(verdict.failed_without_errors(ended(kFailed, 0, 2)));
  CHECK(verdict.failed_without_errors(ended(kFailed, std::nullopt, 0)));
  CHECK_FALSE(verdict.failed_without_errors(ended(kFailed, 1, 1)));
  CHECK_FALSE(verdict.failed_without_errors(ended(kCompleted, 0, 0)));
  REQUIRE(verdict.add_import(error_of("b")).has_value());
  CHECK_FALSE(verdict.failed_without_errors(ended(kFailed, 0, 2)));
  auto other = batch.verdict();
  REQUIRE(other.add_error(error_of("stranger")).has_value());
  CHECK_FALSE(other.failed_without_errors(ended(kFailed, 0, 2)));
}

TEST_CASE("users are matched by decoded uid, by id, and by id beside uid") {
  struct Row {
    const char* what;
    std::optional<std::string> uid;
    std::optional<std::string> id;
    std::optional<std::uint32_t> index;
  };
  const std::vector<Row> rows{
      {"escapes decoded", "caf\xC3\xA9", {}, 0},
      {"id alone", {}, "6388424976856404220", 1},
      {"an empty uid is none", "", "6388424976856404220", 1},
      {"uid with an id that the API gave", "both", "999", 2},
      {"the second key of a record with both", {}, "17", 2},
      {"an id-only record whose user has a uid", "elsewhere", "6388424976856404220", 1},
      {"a uid that contradicts", "other", "17", {}},
      {"a uid that is another record's id", "6388424976856404220", {}, {}},
      {"a neighbour past 2^53", {}, "6388424976856404221", {}},
      {"other case", "BOTH", {}, {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Batch batch({{"caf\xC3\xA9", "", R"({"uid":"caf\u00e9"})"},
                 {"", "6388424976856404220", R"({"id":"6388424976856404220"})"},
                 {"both", "17", R"({"uid":"both","id":"17"})"}});
    auto verdict = batch.verdict();
    REQUIRE(verdict.add_error({"c", "m", row.uid, row.id, "{}"}).has_value());
    CHECK(verdict.has_unmatched() == !row.index.has_value());
    const auto entries = verdict.verdict(ended(kFailed, 2, 1)).entries;
    if (row.index) {
      REQUIRE(entries.size() == 1);
      CHECK(entries[0].index == *row.index);
    }
  }
}

TEST_CASE("one user sent by uid and by id in one batch is told apart by what the records say") {
  Batch batch(
      {{"u", "", R"({"uid":"u","properties":{"a":1}})"}, {"", "5", R"({"id":"5","properties":{"a":2}})"}});
  for (const int a : {1, 2}) {
    auto verdict = batch.verdict();
    const auto user = R"({"uid":"u","id":"5","properties":{"a":)" + std::to_string(a) + "}}";
    REQUIRE(verdict.add_error({"c", "m", "u", "5", user}).has_value());
    CHECK(shown(verdict.verdict(ended(kFailed, 1, 1))) == Lines{std::to_string(a - 1) + " rejected c"});
  }
}

TEST_CASE("a hash that fits another record is not taken for its user") {
  Batch batch({named("a"), named("b")});
  batch.sent[0].record = R"({"uid":"not a"})";
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(error_of("a")).has_value());
  CHECK(verdict.has_unmatched());
}

TEST_CASE(
    "where a record's bytes are gone or no JSON the keyed hash decides, and a disk that fails is an error") {
  Batch batch({named("a"), named("b"), anonymous("{}")});
  for (const auto code : {Errc::corrupt, Errc::not_found}) {
    batch.failure = Error{code, "gone"};
    auto verdict = batch.verdict();
    REQUIRE(verdict.add_error(error_of("b")).has_value());
    REQUIRE(verdict.add_error(echo("{}")).has_value());
    CHECK(verdict.has_unmatched());
    CHECK(verdict.verdict(ended(kFailed, 1, 2)).entries.at(1).index == 1);
  }
  batch.failure = Error{Errc::io, "read error"};
  auto verdict = batch.verdict();
  CHECK(verdict.add_error(error_of("b")).error().code == Errc::io);
  CHECK(verdict.add_error(echo("{}")).error().code == Errc::io);
  batch.failure.reset();
  CHECK(verdict.add_error(echo("{}")).has_value());
  batch.sent[1].record = "\x01 not JSON";
  REQUIRE(verdict.add_error(error_of("b")).has_value());
  CHECK_FALSE(verdict.has_unmatched());
}

TEST_CASE("a record without a user is matched by what it says, whatever the API adds or reorders") {
  struct Row {
    const char* what;
    std::string echoed;
    bool matches;
  };
  const std::vector<Row> rows{
      {"the same", R"({"email":"a@b","properties":{"n":1,"s":"x","o":{"p":[1,2]}}})", true},
      {"another order", R"({"properties":{"s":"x","o":{"p":[1,2]},"n":1},"email":"a@b"})", true},
      {"numbers as reals", R"({"email":"a@b","properties":{"n":1.0,"s":"x","o":{"p":[1e0,2.0]}}})", true},
      {"an id of the API's", R"({"id":"77","email":"a@b","properties":{"n":1,"s":"x","o":{"p":[1,2]}}})",
       true},
      {"nulls and empty members",
       R"({"uid":"","id":null,"display_name":"","email":"a@b","schema":null,"type_conflicts":{},
           "properties":{"n":1,"s":"x","o":{"p":[1,2],"q":null},"e":{},"l":[]}})",
       true},
      {"another number", R"({"email":"a@b","properties":{"n":2,"s":"x","o":{"p":[1,2]}}})", false},
      {"another type", R"({"email":"a@b","properties":{"n":"1","s":"x","o":{"p":[1,2]}}})", false},
      {"another order in a list", R"({"email":"a@b","properties":{"n":1,"s":"x","o":{"p":[2,1]}}})", false},
      {"a member missing", R"({"properties":{"n":1,"s":"x","o":{"p":[1,2]}}})", false},
      {"no JSON", "garbage", false},
      {"no object", "[]", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Batch batch({named("a"),
                 anonymous(R"({ "email":"a@b", "properties":{"n":1,"s":"x","o":{"p":[1,2]},"z":null} })")});
    auto verdict = batch.verdict();
    auto item = echo(row.echoed);
    if (row.echoed.find("77") != std::string::npos)
      item.id = "77";
    REQUIRE(verdict.add_error(item).has_value());
    CHECK(verdict.has_unmatched() == !row.matches);
    CHECK(verdict.is_complete(ended(kFailed, 1, 1)) == row.matches);
  }
}

TEST_CASE("records that say the same are matched one for one") {
  Batch batch({anonymous(R"({"properties":{"a":1}})"), anonymous(R"({"properties":{"a":1}})"),
               anonymous(R"({"properties":{"a":1.0}})")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(echo(R"({"properties":{"a":1}})")).has_value());
  REQUIRE(verdict.add_error(echo(R"({"properties":{"a":1}})")).has_value());
  CHECK(shown(verdict.verdict(ended(kFailed, 1, 2))) == Lines{"0 rejected c", "1 rejected c"});
  REQUIRE(verdict.add_error(echo(R"({"properties":{"a":1}})")).has_value());
  CHECK_FALSE(verdict.has_unmatched());
  REQUIRE(verdict.add_error(echo(R"({"properties":{"a":1}})")).has_value());
  CHECK(verdict.has_unmatched());
}

TEST_CASE("an item with a user of its own is never taken for a record without one") {
  Batch batch({anonymous(R"({"properties":{"a":1}})")});
  auto verdict = batch.verdict();
  REQUIRE(
      verdict.add_error({"c", "m", "u", std::nullopt, R"({"uid":"u","properties":{"a":1}})"}).has_value());
  CHECK(verdict.has_unmatched());
}

TEST_CASE("an error without code or message still rejects its record") {
  Batch batch({named("a")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(error_of("a", "", "")).has_value());
  CHECK(shown(verdict.verdict(ended(kFailed, 0, 1))) == Lines{"0 rejected unspecified"});
}

TEST_CASE("pages are taken as they come") {
  Batch batch({named("a"), named("b"), named("c")});
  auto verdict = batch.verdict();
  ResultPage errors;
  errors.items = {error_of("c")};
  ResultPage imports;
  imports.items = {error_of("a")};
  REQUIRE(verdict.add_errors(errors).has_value());
  REQUIRE(verdict.add_errors(ResultPage{}).has_value());
  REQUIRE(verdict.add_imports(imports).has_value());
  CHECK(shown(verdict.verdict(ended(kFailed, 2, 2))) == Lines{"1 unknown no_verdict", "2 rejected c"});
  batch.failure = Error{Errc::io, "read error"};
  CHECK(verdict.add_errors(errors).has_error());
  CHECK(verdict.add_imports(imports).has_error());
}

TEST_CASE("fifty thousand errors, each in words of its own, keep a bounded number of messages") {
  std::vector<Sent> sent;
  for (int i = 0; i < 50'000; ++i)
    sent.push_back({"u" + std::to_string(i), "", R"({"uid":"u)" + std::to_string(i) + "\"}"});
  Batch batch(std::move(sent));
  auto verdict = batch.verdict();
  for (int i = 50'000; i-- > 0;)
    REQUIRE(
        verdict
            .add_error(error_of("u" + std::to_string(i), "bad", std::to_string(i) + std::string(1000, 'm')))
            .has_value());
  const auto answer = ended(kFailed, 0, 50'000);
  REQUIRE(verdict.is_complete(answer));
  const auto result = verdict.verdict(answer);
  CHECK(result.entries.size() == 50'000);
  std::size_t bytes = 0;
  for (const auto& reason : result.reasons) {
    CHECK(reason.code == "bad");
    bytes += reason.message.size();
  }
  CHECK(bytes <= 2U << 20);
  std::uint32_t next = 0;
  for (const auto& entry : result.entries)
    REQUIRE(entry.index == next++);
}

TEST_CASE("fifty thousand equal records without a user are matched in reasonable time") {
  std::vector<Sent> sent(50'000, anonymous(R"({"properties":{"a":1}})"));
  Batch batch(std::move(sent));
  auto verdict = batch.verdict();
  for (int i = 0; i < 50'000; ++i)
    REQUIRE(verdict.add_error(echo(R"({"properties":{"a":1}})")).has_value());
  CHECK(verdict.is_complete(ended(kFailed, 0, 50'000)));
  CHECK(batch.reads <= 100'000);
}

TEST_CASE("a deep user is compared without harm and a deeper one is no match") {
  const auto nested = [](int depth) {
    std::string value = "1";
    for (int i = 0; i < depth; ++i)
      value = R"({"a":)" + value + "}";
    return R"({"properties":)" + value + "}";
  };
  Batch batch({anonymous(nested(500)), anonymous("{}")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(echo(nested(500))).has_value());
  CHECK_FALSE(verdict.has_unmatched());
  REQUIRE(verdict.add_error(echo(nested(100'000))).has_value());
  CHECK(verdict.has_unmatched());
}

TEST_CASE("operations are read from the files of the batch, and a file that changed says so each time") {
  fakes::MemFiles files;
  files.make_directory("/w");
  files.put("/w/1", "{\"uid\":\"a\"}\n{\"uid\":\"b\"}\n");
  files.put("/w/m", "{\"uid\":\"c\"}");
  Manifest manifest;
  manifest.runs.push_back({1, 0, 23, 1, 2});
  manifest.literals.push_back({0, 11, {{1, 30, 5, 4, 1}, {1, 40, 5, 5, 1}}});
  BodyPaths paths;
  paths.files.emplace(1, "/w/1");
  paths.merged = "/w/m";
  const auto read = read_operations(files, manifest, paths);
  CHECK(read(1).value() == R"({"uid":"b"})");
  CHECK(read(0).value() == R"({"uid":"a"})");
  CHECK(read(2).value() == R"({"uid":"c"})");
  CHECK(read(3).error().code == Errc::corrupt);
  files.put("/w/1", "short");
  const auto changed = read_operations(files, manifest, paths);
  CHECK(changed(0).error().code == Errc::corrupt);
  CHECK(changed(0).error().code == Errc::corrupt);
}
