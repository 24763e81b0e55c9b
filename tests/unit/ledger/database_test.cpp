#include "src/ledger/database.hpp"

#include "tests/unit/ledger/scratch.hpp"

#include <fstream>

namespace usherd::test {
namespace {

std::unique_ptr<Database> open_empty(const Scratch& scratch) {
  std::ofstream(scratch.path() + "/plain.sqlite").close();
  return std::move(Database::open(scratch.path() + "/plain.sqlite").value());
}

}  // namespace

TEST_CASE("a full database is told from other failures") {
  const Scratch scratch;
  const auto database = open_empty(scratch);
  REQUIRE(database->script("CREATE TABLE t (a); PRAGMA max_page_count = 4"));
  const std::string large(100'000, 'x');
  CHECK(database->run("INSERT INTO t VALUES (?)", Blob{large}).error().code == Errc::no_space);
  CHECK(database->run("INSERT INTO t VALUES (?)", 1).value() == 1);
}

TEST_CASE("a statement in use does not disturb another of the same text") {
  const Scratch scratch;
  const auto database = open_empty(scratch);
  REQUIRE(database->script("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)"));
  constexpr const char* kAll = "SELECT a FROM t WHERE a > ? ORDER BY a";
  auto outer = std::move(database->query(kAll, 0).value());
  for (std::int64_t expected = 1; expected <= 3; ++expected) {
    REQUIRE(outer.row().value());
    CHECK(outer.integer() == expected);
    auto inner = std::move(database->query(kAll, 2).value());
    REQUIRE(inner.row().value());
    CHECK(inner.integer() == 3);
  }
  CHECK_FALSE(outer.row().value());
}

TEST_CASE("bound values come back as they went in") {
  const Scratch scratch;
  const auto database = open_empty(scratch);
  REQUIRE(database->script("CREATE TABLE t (a, b, c, d, e)"));
  const std::optional<WallTime> none;
  const std::string odd("a\0\xFF", 3);
  REQUIRE(database->run("INSERT INTO t VALUES (?, ?, ?, ?, ?)", std::uint64_t{1} << 62, std::string_view{},
                        Blob{odd}, none, std::optional{wall(-5)}));
  auto row = std::move(database->query("SELECT * FROM t").value());
  REQUIRE(row.row().value());
  CHECK(row.number() == std::uint64_t{1} << 62);
  CHECK_FALSE(row.null_ahead());
  CHECK(row.text().empty());
  CHECK(row.text() == odd);
  CHECK_FALSE(row.optional_wall());
  CHECK(row.optional_wall() == wall(-5));
}

TEST_CASE("faulty SQL is an error with SQLite's words") {
  const Scratch scratch;
  const auto database = open_empty(scratch);
  CHECK(database->run("SELECT a FROM nowhere").error().message.find("nowhere") != std::string::npos);
  CHECK(database->script("nonsense").has_error());
}

}  // namespace usherd::test
