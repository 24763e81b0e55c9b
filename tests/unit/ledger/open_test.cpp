#include "tests/unit/ledger/scratch.hpp"
#include "usherd/ledger/ledger_reader.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace usherd::test {
namespace {

void sql(const std::string& path, const char* text) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, text, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

void overwrite(const std::string& path, std::size_t at, std::size_t length) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file << std::string(length, '\x5A');
}

/// Root may write whatever it likes: for as long as this lives it is nobody, to whom all of `directory` goes.
class NotRoot {
 public:
  explicit NotRoot(const std::string& directory) {
    if (::geteuid() != 0)
      return;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      REQUIRE(::chown(entry.path().c_str(), kNobody, kNobody) == 0);
    REQUIRE(::chown(directory.c_str(), kNobody, kNobody) == 0);
    REQUIRE(::seteuid(kNobody) == 0);
    lowered_ = true;
  }
  NotRoot(const NotRoot&) = delete;
  NotRoot& operator=(const NotRoot&) = delete;
  ~NotRoot() {
    if (lowered_)
      static_cast<void>(::seteuid(0) == 0);
  }

 private:
  static constexpr uid_t kNobody = 65534;
  bool lowered_ = false;
};

constexpr std::size_t kLargeFact = 600'000;

void grow_log(LedgerBench& bench) {
  const std::string large(kLargeFact, 'x');
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.set_fact("large", large); }));
}

}  // namespace

TEST_CASE("a new ledger is made with mode 0600 and opens again") {
  LedgerBench bench;
  struct ::stat found {};
  REQUIRE(::stat(bench.scratch.ledger_file().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  CHECK(bench.commit([](Ledger& ledger) { return ledger.set_fact("spool", "abc"); }));
  REQUIRE(::stat((bench.scratch.ledger_file() + "-wal").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  bench.reopen();
  CHECK(bench->fact("spool").value() == "abc");
  CHECK(bench->check());
  CHECK(bench->size().value() > 0);
}

TEST_CASE("facts are kept as bytes and can be replaced") {
  LedgerBench bench;
  const std::string secret("\x00\xFF\x80 secret", 10);
  CHECK_FALSE(bench->fact("secret").value());
  CHECK(bench.commit([&](Ledger& ledger) { return ledger.set_fact("secret", "old"); }));
  CHECK(bench.commit([&](Ledger& ledger) { return ledger.set_fact("secret", secret); }));
  CHECK(bench->fact("secret").value() == secret);
}

TEST_CASE("a change that fails or throws leaves nothing behind") {
  LedgerBench bench;
  const auto failed = bench.commit([](Ledger& ledger) -> Result<void> {
    CHECK(ledger.set_fact("a", "1"));
    return Error{Errc::invalid, "no"};
  });
  CHECK(failed.error().code == Errc::invalid);
  CHECK_THROWS(static_cast<void>(bench.commit([](Ledger& ledger) -> Result<void> {
    CHECK(ledger.set_fact("a", "1"));
    throw std::runtime_error("bug");
  })));
  CHECK_FALSE(bench->fact("a").value());
  CHECK(bench.commit([](Ledger& ledger) { return ledger.set_fact("a", "2"); }));
}

TEST_CASE("a ledger of a newer format is refused with both versions and what to do") {
  Scratch scratch;
  REQUIRE(Ledger::open(scratch.path()));
  sql(scratch.ledger_file(), "PRAGMA user_version = 9");
  const auto opened = Ledger::open(scratch.path());
  REQUIRE(opened.has_error());
  // Not damage: nothing of it may be moved away.
  CHECK(opened.error().code == Errc::invalid);
  CHECK(opened.error().message.find("has format 9, this usherd knows format 3: install") !=
        std::string::npos);
}

TEST_CASE("a ledger of the first format is taken over with all that it holds") {
  LedgerBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1); }));
  bench.ledger.reset();
  sql(bench.scratch.ledger_file(),
      "DROP INDEX batches_heirs; ALTER TABLE batches DROP COLUMN heir_of;"
      "ALTER TABLE batches DROP COLUMN held_keys; ALTER TABLE batches DROP COLUMN held_operations;"
      "ALTER TABLE files DROP COLUMN mark_local_unknown; PRAGMA user_version = 1");
  // For a look alone nothing is taken over.
  const auto looked = LedgerReader::open(bench.scratch.path());
  REQUIRE(looked.has_error());
  CHECK(looked.error().message.ends_with(
      "has format 1, this usherd reads format 3: start usherd once, which takes it over"));
  bench.reopen();
  std::size_t open = 0;
  CHECK(bench->open_batches([&](const BatchRow& batch) -> Result<void> {
    CHECK(batch.heir_of == 0);
    ++open;
    return {};
  }));
  CHECK(open == 1);
  CHECK(bench->check());
  bench.reopen();
  CHECK(bench->estates().value().empty());
}

TEST_CASE("a ledger of the second format is taken over: nothing in it was lost") {
  LedgerBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  const ReadMark mark{1, 2, 3, 3, 5};
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.move_mark(1, mark); }));
  bench.ledger.reset();
  sql(bench.scratch.ledger_file(),
      "ALTER TABLE files DROP COLUMN mark_local_unknown; PRAGMA user_version = 2");
  bench.reopen();
  CHECK(bench->file(1).value()->mark == mark);
  CHECK(bench->check());
  CHECK(LedgerReader::open(bench.scratch.path()).has_value());
}

TEST_CASE("somebody else's database is refused and left alone") {
  Scratch scratch;
  sql(scratch.ledger_file(), "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
  const auto opened = Ledger::open(scratch.path());
  REQUIRE(opened.has_error());
  CHECK(opened.error().code == Errc::corrupt);
  sql(scratch.ledger_file(), "SELECT a FROM theirs");
  CHECK_FALSE(std::filesystem::exists(scratch.ledger_file() + "-wal"));
}

TEST_CASE("damage is an error, never an exception") {
  Scratch scratch;
  {
    auto ledger = std::move(Ledger::open(scratch.path()).value());
    REQUIRE(ledger->transaction([&]() -> Result<void> {
      for (FileNumber number = 1; number <= 400; ++number) {
        auto added = ledger->insert_file(sample_file(number));
        if (!added)
          return added;
      }
      return {};
    }));
  }
  const auto size = std::filesystem::file_size(scratch.ledger_file());
  SUBCASE("in the header") {
    overwrite(scratch.ledger_file(), 0, 64);
    CHECK(Ledger::open(scratch.path()).error().code == Errc::corrupt);
  }
  SUBCASE("in the schema") {
    overwrite(scratch.ledger_file(), 100, 3000);
    CHECK(Ledger::open(scratch.path()).error().code == Errc::corrupt);
  }
  SUBCASE("in the rows") {
    overwrite(scratch.ledger_file(), 4096, size - 4096);
    auto ledger = Ledger::open(scratch.path());
    if (ledger) {
      CHECK((*ledger)->open_files(0, 1000).error().code == Errc::corrupt);
      CHECK((*ledger)->check().error().code == Errc::corrupt);
    } else {
      CHECK(ledger.error().code == Errc::corrupt);
    }
  }
  SUBCASE("cut short") {
    std::filesystem::resize_file(scratch.ledger_file(), size / 2);
    auto ledger = Ledger::open(scratch.path());
    if (ledger)
      CHECK((*ledger)->open_files(0, 1000).error().code == Errc::corrupt);
    else
      CHECK(ledger.error().code == Errc::corrupt);
  }
}

TEST_CASE("A full disk gets the room of the write-ahead log back before a change is given up") {
  LedgerBench bench;
  const auto log = bench.scratch.ledger_file() + "-wal";
  grow_log(bench);
  const auto grown = std::filesystem::file_size(log);
  int tries = 0;
  const auto full_at_first = [&](Ledger& ledger) -> Result<void> {
    if (++tries == 1)
      return Error{Errc::no_space, "disk full"};
    return ledger.set_fact("a", "1");
  };
  SUBCASE("and the change is tried again") {
    CHECK(bench.commit(full_at_first));
    CHECK(tries == 2);
    CHECK(bench->fact("a").value() == "1");
    CHECK(std::filesystem::file_size(log) < grown);
  }
  SUBCASE("at a later try when somebody reads just then, who is not waited for") {
    sqlite3* reader = nullptr;
    REQUIRE(sqlite3_open(bench.scratch.ledger_file().c_str(), &reader) == SQLITE_OK);
    REQUIRE(sqlite3_exec(reader, "BEGIN; SELECT * FROM facts", nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(bench.commit(full_at_first).error().code == Errc::no_space);
    CHECK(tries == 1);
    CHECK(std::filesystem::file_size(log) == grown);
    sqlite3_close(reader);
    CHECK(bench.commit(full_at_first));
    CHECK(std::filesystem::file_size(log) < grown);
  }
}

TEST_CASE("A ledger that is opened with a long write-ahead log begins a new one") {
  LedgerBench killed;
  grow_log(killed);
  const Scratch left;
  for (const auto* ending : {"", "-wal"})
    std::filesystem::copy_file(killed.scratch.ledger_file() + ending, left.ledger_file() + ending);
  const auto opened = Ledger::open(left.path());
  REQUIRE(opened.has_value());
  CHECK(std::filesystem::file_size(left.ledger_file() + "-wal") == 0);
  CHECK((*opened)->fact("large").value().value().size() == kLargeFact);
}

TEST_CASE("a missing directory and a link in place of the ledger are told") {
  Scratch scratch;
  CHECK(Ledger::open(scratch.path() + "/none").error().code == Errc::not_found);
  std::ofstream(scratch.path() + "/else").put('x');
  std::filesystem::create_symlink(scratch.path() + "/else", scratch.ledger_file());
  CHECK(Ledger::open(scratch.path()).has_error());
}

TEST_CASE("A ledger that cannot be written is refused at once and named: it would stay so for good") {
  LedgerBench bench;
  bench.ledger.reset();
  const NotRoot not_root(bench.scratch.path());
  REQUIRE(::chmod(bench.scratch.ledger_file().c_str(), 0400) == 0);
  const auto refused = Ledger::open(bench.scratch.path());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::denied);
  CHECK(refused.error().message.starts_with(bench.scratch.ledger_file() + ": Permission denied"));
  CHECK(refused.error().message.find("chown") != std::string::npos);
  REQUIRE(::chmod(bench.scratch.ledger_file().c_str(), 0600) == 0);
  CHECK(Ledger::open(bench.scratch.path()).has_value());
}

TEST_CASE("a ledger is found through folders that are links") {
  Scratch scratch;
  const auto folder = scratch.path() + "/real/state";
  std::filesystem::create_directories(folder);
  std::filesystem::create_directory_symlink("real", scratch.path() + "/above");
  std::filesystem::create_directory_symlink("real/state", scratch.path() + "/state");
  REQUIRE(Ledger::open(folder).has_value());
  for (const auto* linked : {"/above/state", "/state", "/state/"}) {
    CAPTURE(linked);
    CHECK(Ledger::open(scratch.path() + linked).has_value());
    CHECK(LedgerReader::open(scratch.path() + linked).has_value());
  }
}

TEST_CASE("a ledger that somebody else writes to says so instead of waiting for ever") {
  LedgerBench bench;
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(bench.scratch.ledger_file().c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const auto changed = bench.commit([](Ledger& ledger) { return ledger.set_fact("a", "1"); });
  CHECK(changed.error().code == Errc::denied);
  sqlite3_close(other);
  CHECK(bench.commit([](Ledger& ledger) { return ledger.set_fact("a", "1"); }));
}

}  // namespace usherd::test
