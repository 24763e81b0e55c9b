#include "tests/unit/spool/intakes.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("A file that was dropped before the start is taken before one that is announced right after it") {
  Intakes intakes;
  intakes.spool.drop("z_first.ndjson", "{}\n");
  intakes.start();
  intakes.spool.drop("a_second.ndjson", "{}\n");
  intakes.watch.tell("a_second.ndjson");
  intakes.poll();
  CHECK(intakes.accepted().empty());
  intakes.pass(10s);
  CHECK(intakes.accepted() == Names{"z_first.ndjson", "a_second.ndjson"});
}

TEST_CASE("what the watch announces is taken at once") {
  Intakes intakes;
  intakes.start();
  intakes.spool.drop("a.ndjson", "{}");
  intakes.watch.tell("a.ndjson");
  intakes.poll();
  CHECK(intakes.accepted() == Names{"a.ndjson"});
  CHECK(intakes.calls == 1);
}

TEST_CASE("between two claims the spool learns how far the ledger has come") {
  Intakes intakes;
  intakes.start();
  intakes.spool.drop("a.ndjson", "{}");
  intakes.watch.tell("a.ndjson");
  intakes.poll();
  CHECK(read_numbers(intakes.disk, intakes.spool.layout).value() == Numbers{1, 0, 0});
  const auto give = [&] { return intakes.spool.ledger->batches_given(3); };
  REQUIRE(intakes.spool.ledger->transaction(give).has_value());
  intakes.pass(15s);
  CHECK(read_numbers(intakes.disk, intakes.spool.layout).value() == Numbers{1, 1, 3});
}

TEST_CASE("what nobody announced is taken once it has settled") {
  Intakes intakes;
  intakes.start();
  intakes.spool.drop("a.ndjson", "{}");
  intakes.pass(15s);
  CHECK(intakes.accepted().empty());
  intakes.pass(10s);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}

TEST_CASE("a file that grows is not taken before it has stood still") {
  Intakes intakes;
  intakes.spool.drop("a.ndjson", "1");
  intakes.start();
  for (int round = 0; round < 8; ++round) {
    intakes.pass(5s);
    intakes.spool.drop("a.ndjson", std::string(static_cast<std::size_t>(round) + 2, 'x'));
  }
  CHECK(intakes.accepted().empty());
  intakes.pass(25s);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}

TEST_CASE("files that lie there from before are taken a second after the start") {
  Intakes intakes;
  intakes.spool.drop("a.ndjson", "");
  intakes.spool.drop("b.ndjson", "");
  intakes.timers.jump_wall(1h);
  intakes.start();
  CHECK(intakes.accepted().empty());
  intakes.pass(1s);
  CHECK(intakes.accepted().size() == 2);
}

TEST_CASE("invisible files are left alone, announced or not") {
  Intakes intakes;
  intakes.start();
  for (const auto* name : {".a.ndjson", "b.ndjson.tmp", "c.part"}) {
    intakes.spool.drop(name, "");
    intakes.watch.tell(name);
  }
  intakes.pass(60s);
  CHECK(intakes.accepted().empty());
  CHECK(intakes.intake->left().empty());
}

TEST_CASE("after lost events the folder is looked at again") {
  Intakes intakes;
  intakes.start();
  intakes.spool.drop("a.ndjson", "");
  intakes.watch.overflow();
  intakes.pass(10s);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}

TEST_CASE("without a watch, or with a broken one, the rescan finds everything") {
  Intakes intakes;
  intakes.start();
  intakes.watch.fail(Error{Errc::io, "inotify is gone"});
  intakes.poll();
  intakes.spool.drop("a.ndjson", "");
  intakes.pass(25s);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}

TEST_CASE("a missing name in an announcement does no harm") {
  Intakes intakes;
  intakes.start();
  intakes.watch.tell("gone.ndjson");
  intakes.spool.drop("a.ndjson", "");
  intakes.watch.tell("a.ndjson");
  intakes.watch.tell("a.ndjson");
  intakes.poll();
  CHECK(intakes.accepted() == Names{"a.ndjson"});
  CHECK_FALSE(intakes.intake->parked());
}

TEST_CASE("odd things are named once each and forgotten when they are gone") {
  Intakes intakes;
  std::filesystem::create_directory(intakes.path("folder"));
  REQUIRE(::mkfifo(intakes.path("fifo.ndjson").c_str(), 0644) == 0);
  intakes.start();
  intakes.pass(31s);
  auto left = intakes.intake->left();
  REQUIRE(left.size() == 2);
  CHECK(left[0].reason == LeftReason::special);
  CHECK(left[1].reason == LeftReason::directory);
  std::filesystem::remove(intakes.path("folder"));
  intakes.pass(15s);
  CHECK(intakes.intake->left().size() == 1);
}

TEST_CASE("an unreadable file is named and tried again at the rescans until it can be read") {
  Intakes intakes;
  bool readable = false;
  intakes.disk.before_open = [&](const std::string& path) -> Result<void> {
    if (!readable && path.ends_with("incoming/a.ndjson"))
      return Error{Errc::denied, "Permission denied"};
    return {};
  };
  intakes.start();
  intakes.spool.drop("a.ndjson", "");
  intakes.watch.tell("a.ndjson");
  intakes.pass(40s);
  REQUIRE(intakes.intake->left().size() == 1);
  CHECK(intakes.intake->left()[0].reason == LeftReason::unreadable);
  CHECK(intakes.accepted().empty());
  readable = true;
  intakes.pass(40s);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
  CHECK(intakes.intake->left().empty());
}

TEST_CASE("of what stays all are counted, though only the first hundred are named") {
  Intakes intakes;
  intakes.disk.before_open = [](const std::string& path) -> Result<void> {
    if (path.find("incoming/closed") != std::string::npos)
      return Error{Errc::denied, "Permission denied"};
    return {};
  };
  for (int file = 0; file < 122; ++file) {
    std::filesystem::create_directory(intakes.path("folder" + std::to_string(file)));
    intakes.spool.drop("closed" + std::to_string(file) + ".ndjson", "");
  }
  intakes.start();
  intakes.pass(60s);
  CHECK(intakes.intake->left().size() == 100);
  CHECK(intakes.intake->left_counts() ==
        LeftCounts{{LeftReason::directory, 122}, {LeftReason::unreadable, 122}});
  for (int file = 0; file < 30; ++file) {
    std::filesystem::remove(intakes.path("folder" + std::to_string(file)));
    std::filesystem::remove(intakes.path("closed" + std::to_string(file) + ".ndjson"));
  }
  intakes.pass(30s);
  CHECK(intakes.intake->left_counts() ==
        LeftCounts{{LeftReason::directory, 92}, {LeftReason::unreadable, 92}});
}

TEST_CASE("what a killed submit left is removed after a day, and nothing else that is hidden") {
  Intakes intakes;
  intakes.spool.drop(".usherd-submit-1234", "half");
  intakes.spool.drop(".usherd-submitted", "mine");
  intakes.spool.drop(".other", "mine");
  std::filesystem::create_directory(intakes.path(".usherd-submit-folder"));
  intakes.start();
  intakes.timers.jump_wall(49h);
  intakes.pass(59min);
  CHECK(std::filesystem::exists(intakes.path(".usherd-submit-1234")));
  intakes.pass(2min);
  CHECK_FALSE(std::filesystem::exists(intakes.path(".usherd-submit-1234")));
  for (const auto* name : {".usherd-submitted", ".other", ".usherd-submit-folder"})
    CHECK(std::filesystem::exists(intakes.path(name)));
}

TEST_CASE("a file with a second name waits until that is gone") {
  Intakes intakes;
  const auto other = intakes.spool.directory.path() + "/other";
  intakes.spool.drop("a.ndjson", "");
  REQUIRE(::link(intakes.path("a.ndjson").c_str(), other.c_str()) == 0);
  intakes.start();
  intakes.pass(60s);
  CHECK(intakes.accepted().empty());
  REQUIRE(intakes.intake->left().size() == 1);
  CHECK(intakes.intake->left()[0].reason == LeftReason::hard_link);
  std::filesystem::remove(other);
  intakes.pass(40s);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}

TEST_CASE("too little room parks the intake, and it goes on by itself") {
  Intakes intakes;
  intakes.free = 1000;
  intakes.start();
  intakes.spool.drop("a.ndjson", "");
  intakes.watch.tell("a.ndjson");
  intakes.pass(60s);
  REQUIRE(intakes.intake->parked());
  CHECK(intakes.intake->parked()->find("spool.min_free") != std::string::npos);
  CHECK(intakes.intake->is_short_of_room());
  CHECK(intakes.accepted().empty());
  intakes.free = std::uint64_t{1} << 40;
  intakes.pass(15s);
  CHECK_FALSE(intakes.intake->parked());
  CHECK_FALSE(intakes.intake->is_short_of_room());
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}

TEST_CASE("a full disk in the middle of a claim parks the intake and loses nothing") {
  for (long effects = 0; effects < 8; ++effects) {
    CAPTURE(effects);
    Intakes intakes;
    intakes.start();
    intakes.disk.failure = Errc::no_space;
    intakes.spool.drop("a.ndjson", "a");
    intakes.spool.drop("b.ndjson", "b");
    intakes.watch.tell("a.ndjson");
    intakes.watch.tell("b.ndjson");
    intakes.disk.effects_left = effects;
    intakes.pass(30s);
    intakes.disk.effects_left = 1'000'000;
    intakes.pass(60s);
    CHECK_FALSE(intakes.intake->parked());
    auto names = intakes.accepted();
    std::sort(names.begin(), names.end());
    CHECK(names == Names{"a.ndjson", "b.ndjson"});
  }
}

TEST_CASE("a file that changes while it is taken is not taken again before it has settled") {
  Intakes intakes;
  int changes = 0;
  intakes.disk.after_rename = [&](const std::string& from, const std::string& to) {
    if (from.ends_with("incoming/a.ndjson") && ++changes == 1)
      write_file(to, "more");
  };
  intakes.start();
  intakes.spool.drop("a.ndjson", "");
  intakes.watch.tell("a.ndjson");
  intakes.poll();
  // The way back is announced, too.
  intakes.watch.tell("a.ndjson");
  intakes.pass(9s);
  CHECK(changes == 1);
  intakes.pass(30s);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
  CHECK(read_file(intakes.spool.layout.working_file(intakes.spool.rows().back())) == "more");
}

TEST_CASE("thousands of files at once are taken in groups") {
  Intakes intakes;
  for (int file = 0; file < 2500; ++file)
    intakes.spool.drop(fmt::format("a{:04}.ndjson", file), "{}");
  intakes.timers.jump_wall(1h);
  intakes.start();
  intakes.pass(2s);
  CHECK(intakes.accepted().size() == 2500);
  CHECK(intakes.calls == 3);
  CHECK(intakes.commits.commits() == 3);
}

TEST_CASE("a drain takes what is there, waits for what settles, and names what it leaves") {
  Intakes intakes;
  intakes.spool.drop("old.ndjson", "");
  intakes.spool.drop("growing.ndjson", "1");
  std::filesystem::create_directory(intakes.path("folder"));
  intakes.start_drain();
  intakes.pass(5s);
  intakes.spool.drop("growing.ndjson", "12");
  intakes.pass(2s);
  intakes.spool.drop("later.ndjson", "");
  CHECK_FALSE(intakes.drained);
  intakes.pass(60s);
  REQUIRE(intakes.drained);
  REQUIRE(intakes.drained->has_value());
  const auto& report = **intakes.drained;
  CHECK(report.accepted == 2);
  CHECK(report.left_count == 2);
  std::map<std::string, LeftReason> left;
  for (const auto& file : report.left)
    left[file.name] = file.reason;
  CHECK(left == std::map<std::string, LeftReason>{{"folder", LeftReason::directory},
                                                  {"later.ndjson", LeftReason::later}});
  CHECK(intakes.accepted() == Names{"old.ndjson", "growing.ndjson"});
}

TEST_CASE("a drain of an empty folder ends at once") {
  Intakes intakes;
  intakes.start_drain();
  REQUIRE(intakes.drained);
  CHECK((*intakes.drained)->accepted == 0);
  CHECK((*intakes.drained)->left.empty());
}

TEST_CASE("a drain leaves the unreadable file and ends") {
  Intakes intakes;
  intakes.disk.before_open = [&](const std::string& path) -> Result<void> {
    if (path.ends_with("incoming/a.ndjson"))
      return Error{Errc::denied, "Permission denied"};
    return {};
  };
  intakes.spool.drop("a.ndjson", "");
  intakes.spool.drop("b.ndjson", "");
  intakes.start_drain();
  intakes.pass(30s);
  REQUIRE(intakes.drained);
  CHECK((*intakes.drained)->accepted == 1);
  REQUIRE((*intakes.drained)->left.size() == 1);
  CHECK((*intakes.drained)->left[0].reason == LeftReason::unreadable);
}

TEST_CASE("what comes after a drain took its files is later, even under the name of one of them") {
  Intakes intakes;
  intakes.spool.drop("a.ndjson", "{}");
  intakes.start_drain();
  intakes.pass(10s);
  intakes.spool.drop("a.ndjson", "{}");
  intakes.spool.drop("b.ndjson", "{}");
  intakes.tasks.spawn(intakes.look_again());
  intakes.poll();
  const auto left = intakes.left.value().value().left;
  REQUIRE(left.size() == 2);
  CHECK((left[0].reason == LeftReason::later && left[1].reason == LeftReason::later));
}

TEST_CASE("a drain that is told to stop says what it did not wait for") {
  Intakes intakes;
  intakes.spool.drop("a.ndjson", "");
  intakes.start_drain();
  intakes.pass(1s);
  intakes.intake->stop();
  intakes.poll();
  REQUIRE(intakes.drained);
  REQUIRE((*intakes.drained)->left.size() == 1);
  CHECK((*intakes.drained)->left[0].reason == LeftReason::changing);
}

TEST_CASE("an intake that is told to stop ends, and so does one that is cancelled") {
  Intakes intakes;
  intakes.start();
  CHECK(intakes.tasks.size() == 1);
  SUBCASE("stopped") {
    intakes.intake->stop();
  }
  SUBCASE("cancelled") {
    intakes.tasks.cancel();
  }
  intakes.poll();
  CHECK(intakes.tasks.size() == 0);
  CHECK_FALSE(intakes.tasks.failure());
}
