#include "usherd/spool/logged_reason.hpp"
#include "tests/unit/spool/conversions.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::test;

TEST_CASE(
    "a CSV file without a header row tells a log where it was refused, and nothing of its first record") {
  struct Row {
    std::string bytes;
    std::string logged;
  };
  const std::vector<Row> rows{
      {"u-7,ann.lee@example.com,Ann\n", "line 1, column 1"},
      {"Ann,ann.lee@example.com\n", "line 1, column 2"},
      {"Ann,mail:ann.lee@example.com\n", "line 1, column 2"},
      {"\nAnn,Ann\n", "line 2, column 2"},
      {"uid:Ann Lee\n", "line 1, column 1"},
      {"Ann,Ann.Lee\n", "line 1, column 2"},
      {"Ann,\n", "line 1, column 2"},
      {"\"Ann\" Lee,x\n", "line 1"},
      {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    Conversions conversions;
    const auto file = conversions.accepted("a.csv", row.bytes);
    const auto done = convert_file(conversions.disk, conversions.layout, file);
    REQUIRE(done.has_value());
    REQUIRE(done->refusal.has_value());
    CHECK(done->refusal->code == kBadHeader);
    CHECK(logged_reason(done->refusal->code, done->refusal->message) == row.logged);
  }
}

TEST_CASE(
    "a message that is none of a header's stays whole in the log, and what looks like a place is none") {
  CHECK(logged_reason("damaged_document", "line 3, offset 9: column 2") == "line 3, offset 9: column 2");
  CHECK(logged_reason("unknown_format", "the name ends in none of .csv") == "the name ends in none of .csv");
  for (const auto* message : {"", "line ", "line Ann", "column 2 (Ann)", "Ann: line 1"})
    CHECK(logged_reason(kBadHeader, message).empty());
  CHECK(logged_reason(kBadHeader, "line 1") == "line 1");
  CHECK(logged_reason(kBadHeader, "line 1: column Ann") == "line 1");
}
