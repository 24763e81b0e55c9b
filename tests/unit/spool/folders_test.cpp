#include "usherd/spool/folders.hpp"

#include "tests/unit/spool/stopping_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"
#include "usherd/spool/spool_lock.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

using namespace usherd;
using namespace usherd::test;

namespace {

unsigned mode_of(const std::string& path) {
  struct ::stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
}

/// A spool folder and a ledger that have not met yet.
struct Pair {
  TempDirectory directory;
  SpoolLayout layout{directory.path() + "/spool"};
  PosixFiles files;
  std::unique_ptr<Ledger> ledger;

  Pair() {
    REQUIRE(prepare_folders(files, layout).has_value());
    ledger = std::move(Ledger::open(directory.path()).value());
  }
  Result<void> match() { return match_spool(files, layout, *ledger); }
  void accept_a_file() {
    SpoolFile row;
    row.number = 1;
    row.name = row.original = "a.ndjson";
    row.working = SpoolLayout::working_name(1, row.name);
    REQUIRE(ledger->transaction([&] { return ledger->insert_file(row); }).has_value());
  }
  [[nodiscard]] std::string id_path() const { return layout.root() + "/.usherd-spool"; }
};

void check_strangers(const Result<void>& matched) {
  REQUIRE_FALSE(matched.has_value());
  CHECK(matched.error().code == Errc::corrupt);
  CHECK(matched.error().message.find("doctor") != std::string::npos);
}

}  // namespace

TEST_CASE("a missing spool is made with its four folders and their modes") {
  const TempDirectory directory;
  const SpoolLayout layout(directory.path() + "/spool");
  PosixFiles files;
  REQUIRE(prepare_folders(files, layout).has_value());
  CHECK(mode_of(layout.incoming()) == 03730U);
  CHECK(mode_of(layout.working()) == 0700U);
  CHECK(mode_of(layout.done()) == 0750U);
  CHECK(mode_of(layout.rejected()) == 0750U);
  CHECK(names_in(layout.incoming()).empty());
  CHECK(names_in(layout.rejected()).empty());
}

TEST_CASE("folders that are there keep their modes and what is in them") {
  const TempDirectory directory;
  const SpoolLayout layout(directory.path());
  PosixFiles files;
  std::filesystem::create_directory(layout.incoming());
  REQUIRE(::chmod(layout.incoming().c_str(), 0777) == 0);
  write_file(layout.incoming() + "/a.ndjson", "a");
  REQUIRE(prepare_folders(files, layout).has_value());
  CHECK(mode_of(layout.incoming()) == 0777U);
  CHECK(read_file(layout.incoming() + "/a.ndjson") == "a");
}

TEST_CASE("a file where a folder must be is named") {
  const TempDirectory directory;
  const SpoolLayout layout(directory.path());
  PosixFiles files;
  write_file(layout.done(), "");
  const auto prepared = prepare_folders(files, layout);
  REQUIRE_FALSE(prepared.has_value());
  CHECK(prepared.error().message.find(layout.done()) != std::string::npos);
}

TEST_CASE("a trial file of a process that was killed is swept, one of a process that lives is left") {
  const TempDirectory directory;
  const SpoolLayout layout(directory.path());
  PosixFiles files;
  REQUIRE(prepare_folders(files, layout).has_value());
  // No process has a number that high.
  write_file(layout.incoming() + "/.usherd-trial-2000000000", "");
  write_file(layout.done() + "/.usherd-trial-2000000001", "");
  const auto living = ".usherd-trial-" + std::to_string(::getpid());
  write_file(layout.incoming() + "/" + living, "");
  write_file(layout.incoming() + "/.usherd-trial-x", "");
  REQUIRE(sweep_trials(files, layout).has_value());
  CHECK(names_in(layout.incoming()).size() == 2);
  CHECK(names_in(layout.done()).empty());
}

TEST_CASE("folders between which nothing can be renamed are both named") {
  const TempDirectory directory;
  const SpoolLayout layout(directory.path());
  StoppingFiles disk;
  disk.effects_left = 4 + 1 + 1;  // four removals, the trial file, the first rename
  const auto prepared = prepare_folders(disk, layout);
  REQUIRE_FALSE(prepared.has_value());
  CHECK(prepared.error().message.find(layout.working() + " and " + layout.done()) != std::string::npos);
  PosixFiles files;
  REQUIRE(prepare_folders(files, layout).has_value());
  for (const auto& folder : {layout.incoming(), layout.working(), layout.done(), layout.rejected()})
    CHECK(names_in(folder).empty());
}

TEST_CASE("a disk with errors is told from a spool that is laid out wrongly") {
  const TempDirectory directory;
  const SpoolLayout layout(directory.path());
  StoppingFiles disk;
  for (const long effects : {0L, 4L, 5L}) {  // the first removal, the trial file, the rename
    disk.effects_left = effects;
    const auto prepared = prepare_folders(disk, layout);
    REQUIRE_FALSE(prepared.has_value());
    CHECK(prepared.error().code == Errc::no_space);
  }
  for (const int number : {EIO, ENXIO, ESTALE, ENOMEM, EMFILE, ENFILE})
    CHECK(call_error("/", number, "open /x").code == Errc::no_space);
  CHECK(call_error("/", ENOTDIR, "open /x").code == Errc::io);
}

TEST_CASE("the file system tells its free bytes") {
  CHECK(free_bytes("/").value() > 0);
  CHECK_FALSE(free_bytes("/does/not/exist").has_value());
}

TEST_CASE("a new spool and a new state become a pair and know each other again") {
  Pair pair;
  REQUIRE(pair.match().has_value());
  CHECK(read_file(pair.id_path()).size() > 30);
  pair.accept_a_file();
  CHECK(pair.match().has_value());
}

TEST_CASE("a crash between the two halves of a new pair is mended") {
  Pair pair;
  REQUIRE(pair.match().has_value());
  const auto id = read_file(pair.id_path());
  std::filesystem::remove(pair.id_path());
  REQUIRE(pair.match().has_value());
  CHECK(read_file(pair.id_path()) == id);
}

TEST_CASE("a spool and a state that do not belong together are refused") {
  Pair pair;
  SUBCASE("the spool is of another state") {
    write_file(pair.id_path(), "11111111-1111-4111-8111-111111111111\n");
    check_strangers(pair.match());
  }
  SUBCASE("both have ids, and they differ") {
    REQUIRE(pair.match().has_value());
    write_file(pair.id_path(), "11111111-1111-4111-8111-111111111111\n");
    check_strangers(pair.match());
  }
  SUBCASE("the state has files, the spool is new") {
    REQUIRE(pair.match().has_value());
    pair.accept_a_file();
    std::filesystem::remove(pair.id_path());
    check_strangers(pair.match());
  }
  SUBCASE("the state is new, the spool has accepted files") {
    write_file(pair.layout.working() + "/000000000001.a.ndjson", "");
    check_strangers(pair.match());
  }
}

TEST_CASE("a spool is held by one usherd at a time, and so is a state directory") {
  const TempDirectory spool;
  const TempDirectory state;
  const TempDirectory other;
  auto first = SpoolLock::take(spool.path(), state.path());
  REQUIRE(first.has_value());
  for (const auto& [one, two] :
       {std::pair(spool.path(), other.path()), std::pair(other.path(), state.path())}) {
    const auto second = SpoolLock::take(one, two);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == Errc::denied);
    CHECK(second.error().message.find(fmt::format("pid {}", ::getpid())) != std::string::npos);
  }
  {
    const auto moved = std::move(*first);
    CHECK_FALSE(SpoolLock::take(spool.path(), state.path()).has_value());
  }
  CHECK(SpoolLock::take(spool.path(), state.path()).has_value());
}

TEST_CASE("a lock that may not be opened is not mistaken for one that is held") {
  const auto lock = SpoolLock::take("/does/not/exist", "/does/not/exist");
  REQUIRE_FALSE(lock.has_value());
  CHECK(lock.error().code != Errc::denied);
}
