#include "tests/unit/settle/sent_batch.hpp"

using namespace usherd;
using namespace usherd::verdict_test;

TEST_CASE("counts decide what an ended job says of its batch") {
  struct Row {
    const char* what;
    JobAnswer answer;
    JobEnd end;
  };
  const std::vector<Row> rows{
      {"completed, all imported", ended(kCompleted, 5, 0), JobEnd::all_imported},
      {"completed without counts", ended(kCompleted, std::nullopt, 0), JobEnd::read_errors},
      {"completed with errors, as one page shows", ended(kCompleted, 4, 1), JobEnd::read_errors},
      {"completed, fewer imported than sent", ended(kCompleted, 4, 0), JobEnd::read_errors},
      {"completed, none imported", ended(kCompleted, 0, 0), JobEnd::read_errors},
      {"completed, more imported than sent", ended(kCompleted, 6, 0), JobEnd::read_errors},
      {"failed in part", ended(kFailed, 3, 2), JobEnd::read_errors},
      {"failed whole, every error counted", ended(kFailed, 0, 5), JobEnd::read_errors},
      {"failed, imports left out", ended(kFailed, std::nullopt, 5), JobEnd::read_errors},
      {"failed, yet all imported", ended(kFailed, 5, 0), JobEnd::read_errors},
      {"failed, no errors, some imported", ended(kFailed, 3, 0), JobEnd::read_errors},
      {"failed, nothing imported, no errors", ended(kFailed, 0, 0), JobEnd::read_errors},
      {"failed without counts", ended(kFailed, std::nullopt, 0), JobEnd::read_errors},
      {"all imported and errors too", ended(kCompleted, 5, 1), JobEnd::read_errors},
      {"an errors count that cannot be read", ended(kCompleted, 5, kUnreadableCount), JobEnd::read_errors},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(judge(row.answer, 5) == row.end);
  }
}

TEST_CASE("where errors may not be read, counts alone say imported or unknown") {
  Batch batch({named("a"), named("b"), named("c")});
  const auto without_errors = [&](const JobAnswer& answer) {
    return batch.verdict().verdict_forbidden(answer, "why");
  };
  CHECK(without_errors(ended(kCompleted, 3, 0)).entries.empty());
  CHECK(without_errors(ended(kCompleted, std::nullopt, 0)).entries.empty());
  CHECK(without_errors(ended(kCompleted, 2, 0)).entries.empty());
  CHECK(without_errors(ended(kFailed, 3, 0)).entries.empty());
  const Lines all{"0 unknown errors_unreadable", "1 unknown errors_unreadable",
                  "2 unknown errors_unreadable"};
  CHECK(shown(without_errors(ended(kFailed, 2, 1))) == all);
  CHECK(shown(without_errors(ended(kCompleted, 2, 1))) == all);
  CHECK(shown(without_errors(ended(kFailed, 2, 0))) == all);
  CHECK(without_errors(ended(kFailed, 2, 0)).reasons.at(0).message == "why");
}

TEST_CASE("where errors stay unreadable, COMPLETED imports no more than it counts or names") {
  Batch batch({named("a"), named("b"), named("c")});
  auto verdict = batch.verdict();
  const auto in_part = [&](std::optional<std::uint64_t> imports) {
    return shown(verdict.verdict_in_part(ended(kCompleted, imports, 0), "why"));
  };
  CHECK(in_part(3).empty());
  CHECK(in_part(std::nullopt).empty());
  const Lines all{"0 unknown errors_unreadable", "1 unknown errors_unreadable",
                  "2 unknown errors_unreadable"};
  CHECK(in_part(2) == all);
  CHECK(in_part(4) == all);
  REQUIRE(verdict.add_import(error_of("a")).has_value());
  REQUIRE(verdict.add_import(error_of("c")).has_value());
  CHECK(in_part(2) == Lines{"1 unknown errors_unreadable"});
  CHECK(in_part(0) == all);
}

TEST_CASE("where errors were read in part, who is named stays rejected and only the rest is unknown") {
  Batch batch({named("a"), named("b"), named("c")});
  auto verdict = batch.verdict();
  REQUIRE(verdict.add_error(error_of("b", "code_b", "first")).has_value());
  CHECK(shown(verdict.verdict_in_part(ended(kFailed, 1, 2), "why")) ==
        Lines{"0 unknown errors_unreadable", "1 rejected code_b", "2 unknown errors_unreadable"});
  SUBCASE("none is where the counts say that the page had no more") {
    CHECK(shown(verdict.verdict_in_part(ended(kFailed, 2, 1), "why")) == Lines{"1 rejected code_b"});
  }
  SUBCASE("an error that COMPLETED does not count is one all the same") {
    CHECK(verdict.verdict_in_part(ended(kCompleted, std::nullopt, 0), "why").entries.size() == 3);
  }
  SUBCASE("as many imports as were counted are imported") {
    REQUIRE(verdict.add_import(error_of("a")).has_value());
    CHECK(shown(verdict.verdict_in_part(ended(kFailed, 1, 2), "why")) ==
          Lines{"1 rejected code_b", "2 unknown errors_unreadable"});
    CHECK(verdict.verdict_in_part(ended(kFailed, 2, 2), "why").entries.size() == 3);
    CHECK(verdict.verdict_in_part(ended(kFailed, std::nullopt, 2), "why").entries.size() == 3);
  }
}

TEST_CASE("what an earlier reading of the errors named is kept, once") {
  Batch batch({named("a"), named("b"), named("c")});
  auto first = batch.verdict();
  REQUIRE(first.add_error(error_of("a", "code_a", "first")).has_value());
  REQUIRE(first.add_error(error_of("b", "code_b", "first")).has_value());
  auto second = batch.verdict();
  REQUIRE(second.add_error(error_of("a", "code_a", "second")).has_value());
  second.add_rejected(first.verdict_in_part(ended(kFailed, 0, 3), "why"));
  const auto verdict = second.verdict_in_part(ended(kFailed, 0, 3), "why");
  CHECK(shown(verdict) == Lines{"0 rejected code_a", "1 rejected code_b", "2 unknown errors_unreadable"});
  CHECK(verdict.reasons.at(0).message == "second");
  CHECK(second.is_complete(ended(kFailed, 1, 2)));
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
  const auto unread = batch.verdict();
  CHECK(unread.failed_by_its_counts(ended(kFailed, 0, 0)));
  CHECK_FALSE(unread.failed_by_its_counts(ended(kFailed, std::nullopt, 0)));
  CHECK_FALSE(unread.failed_by_its_counts(ended(kFailed, 0, 2)));
  auto other = batch.verdict();
  REQUIRE(other.add_error(error_of("stranger")).has_value());
  CHECK_FALSE(other.failed_without_errors(ended(kFailed, 0, 2)));
}
