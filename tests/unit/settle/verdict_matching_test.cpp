#include "tests/unit/settle/sent_batch.hpp"

using namespace usherd;
using namespace usherd::verdict_test;

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

TEST_CASE(
    "what is not whole characters is nobody's, also where a record holds the mark that is shown for it") {
  for (const std::string mark : {"\xEF\xBF\xBD", "\\ufffd"}) {
    Batch batch({anonymous("{\"properties\":{\"" + mark + "\":1,\"a\":\"" + mark + "\"}}"),
                 {"x\xEF\xBF\xBD", "", "{\"uid\":\"x" + mark + "\"}"}});
    auto verdict = batch.verdict();
    REQUIRE(verdict.add_error(echo("{\"properties\":{\"\xEF\xBF\xBD\":1,\"a\":\"\xFF\"}}")).has_value());
    CHECK(verdict.has_unmatched());
    REQUIRE(verdict.add_error(echo("{\"properties\":{\"\xFF\":1,\"a\":\"\xEF\xBF\xBD\"}}")).has_value());
    REQUIRE(verdict.add_error(error_of("x\xFF")).has_value());
    for (const auto& line : shown(verdict.verdict(ended(kFailed, 2, 3)))) {
      CAPTURE(line);
      CHECK(line.find("rejected") == std::string::npos);
    }
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

TEST_CASE("of records that differ in little the one that an item shows is meant") {
  struct Row {
    const char* what;
    std::string one;
    std::string other;
  };
  const std::vector<Row> rows{
      {"schema", R"({"properties":{"a":"x"},"schema":{"properties":{"a":"str"}}})",
       R"({"properties":{"a":"x"},"schema":{"properties":{"a":"date"}}})"},
      {"no schema", R"({"email":"a@b"})", R"({"email":"a@b","schema":{}})"},
      {"null", R"({"properties":{"a":1}})", R"({"properties":{"a":1,"b":null}})"},
      {"null member", R"({"email":"a@b"})", R"({"email":"a@b","display_name":null})"},
      {"empty list and object", R"({"properties":{"b":[]}})", R"({"properties":{"b":{}}})"},
      {"whole numbers past 2^53", R"({"properties":{"a":9007199254740992}})",
       R"({"properties":{"a":9007199254740993}})"},
      {"the 17th digit", R"({"properties":{"a":0.12345678901234567}})",
       R"({"properties":{"a":0.12345678901234564}})"},
      {"the 20th digit", R"({"properties":{"a":0.12345678901234567890}})",
       R"({"properties":{"a":0.12345678901234567891}})"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    for (const std::uint32_t meant : {0, 1}) {
      Batch batch({anonymous(row.one), anonymous(row.other)});
      auto verdict = batch.verdict();
      REQUIRE(verdict.add_error(echo(batch.sent[meant].record)).has_value());
      CHECK(shown(verdict.verdict(ended(kFailed, 1, 1))) == Lines{std::to_string(meant) + " rejected c"});
    }
  }
}

TEST_CASE("of records that differ in little the one of the same value is meant, however it is written") {
  Batch batch(
      {anonymous(R"({"properties":{"a":1,"b":2,"c":null}})"), anonymous(R"({"properties":{"a":1,"b":2}})")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(echo(R"({"id":"7","properties": {"b":2.0, "a":1e0}})")).has_value());
  CHECK(shown(verdict.verdict(ended(kFailed, 1, 1))) == Lines{"1 rejected c"});
}

TEST_CASE("where an item may mean records that differ all of them are unknown, and no others") {
  const auto of_type = [](const std::string& type) {
    return anonymous(R"({"properties":{"a":"x"},"schema":{"properties":{"a":")" + type + R"("}}})");
  };
  const auto shown_bare = echo(R"({"properties":{"a":"x"}})");
  Batch batch({of_type("str"), named("a"), of_type("date"), anonymous("{}"), named("b")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(error_of("a")).has_value());
  REQUIRE(verdict.add_error(shown_bare).has_value());
  CHECK(verdict.is_complete(ended(kFailed, 3, 2)));
  CHECK(shown(verdict.verdict(ended(kFailed, 3, 2))) ==
        Lines{"0 unknown no_verdict", "1 rejected c", "2 unknown no_verdict"});

  // Once both are named it is clear again.
  REQUIRE(verdict.add_error(shown_bare).has_value());
  CHECK(shown(verdict.verdict(ended(kFailed, 2, 3))) ==
        Lines{"0 rejected c", "1 rejected c", "2 rejected c"});
  REQUIRE(verdict.add_error(shown_bare).has_value());
  CHECK(verdict.has_unmatched());

  auto imported = batch.verdict();
  for (const auto& item : {shown_bare, shown_bare, error_of("a"), error_of("b")})
    REQUIRE(imported.add_import(item).has_value());
  CHECK(shown(imported.verdict(ended(kFailed, 4, 0))) == Lines{"3 unknown no_verdict"});
}

TEST_CASE("zeros and numbers too small for a double are the same however they are written") {
  for (const auto* number : {"0e400", "-0.0e99999999999", "0.00", "1e-9999999999"}) {
    CAPTURE(number);
    Batch batch({anonymous(R"({"properties":{"k":)" + std::string(number) + "}}")});
    for (const auto* zero : {"0", "0e2147483648"}) {
      auto verdict = batch.verdict();
      REQUIRE(verdict.add_error(echo(R"({"properties":{"k":)" + std::string(zero) + "}}")).has_value());
      CHECK_FALSE(verdict.has_unmatched());
    }
  }
}

TEST_CASE("fifty thousand records without a user that an answer makes equal are matched in reasonable time") {
  std::vector<Sent> sent;
  for (int i = 0; i < 50'000; ++i)
    sent.push_back(anonymous(R"({"schema":{"properties":{"a)" + std::to_string(i) + R"(":"int"}}})"));
  Batch batch(std::move(sent));
  auto verdict = batch.verdict();
  for (int i = 0; i < 50'000; ++i)
    REQUIRE(verdict.add_error(echo("{}")).has_value());
  CHECK(verdict.verdict(ended(kFailed, 0, 50'000)).entries.back().end == OperationEnd::rejected);
  CHECK(batch.reads <= 100'000);
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
  const auto errors = parse_result_page(R"({"results":[{"code":"c","user":{"uid":"c"}}]})");
  const auto imports = parse_result_page(R"({"results":[{"uid":"a"}]})");
  REQUIRE(verdict.add_errors(*errors).has_value());
  REQUIRE(verdict.add_errors(ResultPage{}).has_value());
  REQUIRE(verdict.add_imports(*imports).has_value());
  CHECK(shown(verdict.verdict(ended(kFailed, 2, 2))) == Lines{"1 unknown no_verdict", "2 rejected c"});
  batch.failure = Error{Errc::io, "read error"};
  CHECK(verdict.add_errors(*errors).has_error());
  CHECK(verdict.add_imports(*imports).has_error());
}

TEST_CASE("a page that met an error goes on where it did, and matches nobody twice") {
  const std::string nobody = R"({"properties":{"a":1}})";
  Batch batch({anonymous(nobody), anonymous(nobody), named("b")});
  bool is_closed = true;
  JobVerdict verdict(batch.row, batch.keys, [&](std::uint32_t index) -> Result<std::string> {
    if (is_closed && index == 2)
      return Error{Errc::io, "read error"};
    return batch.sent.at(index).record;
  });
  const auto page = parse_result_page(R"({"results":[{"code":"c","user":)" + nobody +
                                      R"(},{"code":"d","user":{"uid":"b"}}]})");
  CHECK(verdict.add_errors(*page).has_error());
  CHECK(verdict.add_errors(*page).has_error());
  is_closed = false;
  REQUIRE(verdict.add_errors(*page).has_value());
  REQUIRE(verdict.add_errors(*parse_result_page(R"({"results":[]})")).has_value());
  CHECK(shown(verdict.verdict(ended(kFailed, 1, 2))) == Lines{"0 rejected c", "2 rejected d"});
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

TEST_CASE("a long record is read once, however often and by whatever name it is named") {
  const std::string rest = R"(","properties":{"a":")" + std::string(20'000, 'a') + "\"}}";
  Batch batch({{"u", "", R"({"uid":"u)" + rest}, {"both", "17", R"({"id":"17","uid":"both)" + rest}});
  auto verdict = batch.verdict();
  for (int i = 0; i < 1000; ++i)
    REQUIRE(verdict.add_error(error_of("u")).has_value());
  CHECK(batch.reads == 1);
  CHECK_FALSE(verdict.has_unmatched());
  for (int i = 0; i < 1000; ++i)
    REQUIRE(verdict.add_error({"c", "m", "other", "17", "{}"}).has_value());
  CHECK(batch.reads == 2);
  CHECK(verdict.has_unmatched());
  REQUIRE(verdict.add_import({"", "", "both", std::nullopt, "{}"}).has_value());
  CHECK(batch.reads == 2);
  CHECK(shown(verdict.verdict(ended(kFailed, 1, 1))) == Lines{"0 rejected c"});
}

TEST_CASE("a deep user is compared without harm and a deeper one is no match") {
  const auto nested = [](int depth) {
    std::string text = R"({"properties":)";
    for (int i = 0; i < depth; ++i)
      text += R"({"a":)";
    return text + "1" + std::string(static_cast<std::size_t>(depth) + 1, '}');
  };
  Batch batch({anonymous(nested(500)), anonymous("{}")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(echo(nested(500))).has_value());
  CHECK_FALSE(verdict.has_unmatched());
  REQUIRE(verdict.add_error(echo(nested(100'000))).has_value());
  CHECK(verdict.has_unmatched());
}

TEST_CASE("operations are read from the files of the batch, and one whose file changed says so each time") {
  fakes::MemFiles files;
  files.make_directory("/w");
  files.put("/w/1", "{\"uid\":\"a\"}\n{\"uid\":\"b\"}\n");
  files.put("/w/m", "{\"uid\":\"c\"}");
  Manifest manifest;
  manifest.runs.push_back({1, 0, 23, 1, 2});
  manifest.literals.push_back({0, 11, {{1, 30, 5, 4, 1}, {1, 40, 5, 5, 1}}});
  BodyPaths paths;
  paths.files.put(1, "/w/1");
  paths.merged = "/w/m";
  const auto shared = [&manifest] { return manifest; };
  const auto read = read_operations(files, shared, paths);
  CHECK(read(1).value() == R"({"uid":"b"})");
  CHECK(read(0).value() == R"({"uid":"a"})");
  CHECK(read(2).value() == R"({"uid":"c"})");
  CHECK(read(3).error().code == Errc::corrupt);
  files.put("/w/1", "short");
  const auto changed = read_operations(files, shared, paths);
  CHECK(changed(0).error().code == Errc::corrupt);
  CHECK(changed(0).error().code == Errc::corrupt);
  CHECK(changed(2).value() == R"({"uid":"c"})");
}
