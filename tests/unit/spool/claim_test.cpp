#include "usherd/spool/claim.hpp"

#include "tests/fakes/manual_timers.hpp"
#include "tests/unit/spool/stopping_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace usherd;
using namespace usherd::test;

namespace {

/// A claimer on a spool of its own, over a disk that can be stopped.
struct Claims {
  TempSpool spool;
  StoppingFiles disk;
  fakes::ManualTimers timers{spool.loop.get_executor()};
  std::optional<Claimer> claimer;

  Claims() { restart(); }
  void restart() {
    claimer.reset();
    spool.restart();
    claimer.emplace(spool.layout, disk, timers, spool.workers, *spool.commits, 0);
  }
  ClaimReport take(const std::vector<std::string>& names) {
    std::vector<SeenFile> group;
    for (const auto& name : names)
      group.push_back(spool.seen(name));
    return spool.run(claimer->take(std::move(group)));
  }
  /// What usherd sees of every file that still stands in incoming/.
  ClaimReport take_all() {
    std::vector<std::string> names;
    for (const auto& name : names_in(spool.layout.incoming()))
      names.push_back(name);
    return take(names);
  }
  std::string path(const std::string& name) { return spool.layout.incoming() + "/" + name; }
};

std::string working_text(Claims& claims, const SpoolFile& row) {
  return read_file(claims.spool.layout.working_file(row));
}

}  // namespace

TEST_CASE("a claimed file stands in working/ under its number and has its row") {
  Claims claims;
  claims.spool.drop("a.ndjson", "{\"uid\":\"1\"}\n");
  const auto report = claims.take({"a.ndjson"});
  CHECK_FALSE(report.stopped);
  CHECK(report.files == 1);
  CHECK(report.bytes == 12);
  CHECK(names_in(claims.spool.layout.incoming()).empty());
  const auto rows = claims.spool.rows();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].number == 1);
  CHECK(rows[0].name == "a.ndjson");
  CHECK(rows[0].original == "a.ndjson");
  CHECK(rows[0].working == "000000000001.a.ndjson");
  CHECK(rows[0].state == FileState::ready);
  CHECK(rows[0].size == 12);
  CHECK(rows[0].read_size == 12);
  CHECK_FALSE(rows[0].converted);
  CHECK(working_text(claims, rows[0]) == "{\"uid\":\"1\"}\n");
}

TEST_CASE("the format decides the state in which a file enters") {
  struct Row {
    const char* name;
    FileState state;
    const char* code;
  };
  const Row table[] = {{"a.ndjson", FileState::ready, ""},
                       {"b.jsonl", FileState::ready, ""},
                       {"c.json", FileState::accepted, ""},
                       {"d.csv", FileState::accepted, ""},
                       {"e.ndjson.gz", FileState::accepted, ""},
                       {"f.json.zst", FileState::accepted, ""},
                       {"g.txt", FileState::refused, "unknown_format"}};
  for (const auto& row : table) {
    CAPTURE(row.name);
    Claims claims;
    claims.spool.drop(row.name, "");
    CHECK(claims.take_all().files == 1);
    const auto rows = claims.spool.rows();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].state == row.state);
    CHECK(rows[0].refusal_code == row.code);
    CHECK(rows[0].refusal_message.empty() == (rows[0].refusal_code.empty()));
  }
}

TEST_CASE("numbers follow the time of drop, then the name") {
  Claims claims;
  for (const auto* name : {"b.ndjson", "c.ndjson", "a.ndjson"})
    claims.spool.drop(name, name);
  auto first = claims.spool.seen("b.ndjson");
  auto second = claims.spool.seen("a.ndjson");
  auto third = claims.spool.seen("c.ndjson");
  first.stat.changed_ns = second.stat.changed_ns = 1;
  third.stat.changed_ns = 2;
  CHECK(claims.spool.run(claims.claimer->take({third, first, second})).files == 3);
  const auto rows = claims.spool.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].name == "a.ndjson");
  CHECK(rows[1].name == "b.ndjson");
  CHECK(rows[2].name == "c.ndjson");
}

TEST_CASE("numbers go on growing over restarts") {
  Claims claims;
  claims.spool.drop("a.ndjson", "");
  claims.take_all();
  claims.restart();
  claims.spool.drop("b.ndjson", "");
  claims.take_all();
  const auto rows = claims.spool.rows();
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].number > rows[0].number);
}

TEST_CASE("a group costs one commit") {
  Claims claims;
  claims.spool.run(claims.claimer->adopt()).value();
  for (int file = 0; file < 300; ++file)
    claims.spool.drop("a" + std::to_string(file) + ".ndjson", "{}");
  const auto before = claims.spool.commits->commits();
  CHECK(claims.take_all().files == 300);
  CHECK(claims.spool.commits->commits() == before + 1);
}

TEST_CASE("a second file of a name gets a number, and so does one whose name anything is derived from") {
  Claims claims;
  SUBCASE("it is still being worked on") {
    claims.spool.drop("a.ndjson", "");
    claims.take_all();
  }
  SUBCASE("it is done") {
    write_file(claims.spool.layout.done() + "/a.ndjson", "");
  }
  SUBCASE("its receipt is left") {
    write_file(claims.spool.layout.done() + "/a.ndjson.receipt.json", "");
  }
  SUBCASE("its rejects are left") {
    write_file(claims.spool.layout.rejected() + "/a.ndjson.rejects.ndjson", "");
  }
  SUBCASE("it was refused") {
    write_file(claims.spool.layout.rejected() + "/a.ndjson", "");
  }
  SUBCASE("its error is left") {
    write_file(claims.spool.layout.rejected() + "/a.ndjson.error.json", "");
  }
  claims.spool.drop("a.ndjson", "second");
  claims.take_all();
  const auto row = claims.spool.rows().back();
  CHECK(row.name == "a~2.ndjson");
  CHECK(row.original == "a.ndjson");
  CHECK(working_text(claims, row) == "second");
}

TEST_CASE("a number is not given where a waiting file bears the name it would make") {
  Claims claims;
  claims.spool.drop("a.ndjson", "1");
  claims.take_all();
  claims.spool.drop("a.ndjson", "2");
  claims.spool.drop("a~2.ndjson", "3");
  CHECK(claims.take({"a.ndjson", "a~2.ndjson"}).files == 2);
  std::set<std::string> names;
  for (const auto& row : claims.spool.rows())
    names.insert(row.name);
  CHECK(names == std::set<std::string>{"a.ndjson", "a~3.ndjson", "a~2.ndjson"});
}

TEST_CASE("a name that was taken hundreds of times is still given a free number") {
  Claims claims;
  write_file(claims.spool.layout.done() + "/a.ndjson", "");
  for (int number = 2; number <= 300; ++number)
    write_file(claims.spool.layout.done() + "/a~" + std::to_string(number) + ".ndjson", "");
  claims.spool.drop("a.ndjson", "");
  claims.take_all();
  CHECK(claims.spool.rows().back().name == "a~301.ndjson");
}

TEST_CASE("a name that cannot be kept is replaced and remembered as bytes") {
  Claims claims;
  const std::string odd = "bad\xff\nname.ndjson";
  claims.spool.drop(odd, "x");
  CHECK(claims.take({odd}).files == 1);
  const auto row = claims.spool.rows().back();
  CHECK(row.name == "unnamed-1.ndjson");
  CHECK(row.original == odd);
  CHECK(names_in(claims.spool.layout.working()) == std::set<std::string>{row.working});
}

TEST_CASE("what is no plain file is left where it is, with its reason") {
  Claims claims;
  const auto& incoming = claims.spool.layout.incoming();
  claims.spool.drop("good.ndjson", "");
  write_file(claims.spool.directory.path() + "/secret", "secret");
  REQUIRE(::symlink((claims.spool.directory.path() + "/secret").c_str(),
                    (incoming + "/link.ndjson").c_str()) == 0);
  REQUIRE(::mkfifo((incoming + "/fifo.ndjson").c_str(), 0644) == 0);
  std::filesystem::create_directory(incoming + "/folder.ndjson");
  claims.spool.drop("two.ndjson", "");
  REQUIRE(::link((incoming + "/two.ndjson").c_str(), (claims.spool.directory.path() + "/other").c_str()) ==
          0);
  const auto report = claims.take_all();
  CHECK_FALSE(report.stopped);
  CHECK(report.files == 1);
  std::map<std::string, LeftReason> left;
  for (const auto& file : report.left)
    left[file.name] = file.reason;
  CHECK(left == std::map<std::string, LeftReason>{{"link.ndjson", LeftReason::symlink},
                                                  {"fifo.ndjson", LeftReason::special},
                                                  {"folder.ndjson", LeftReason::directory},
                                                  {"two.ndjson", LeftReason::hard_link}});
  CHECK(names_in(incoming).size() == 4);
}

TEST_CASE("a file that may not be read stays, and its neighbours are taken") {
  Claims claims;
  claims.spool.drop("a.ndjson", "");
  claims.spool.drop("b.ndjson", "");
  claims.disk.before_open = [&](const std::string& path) -> Result<void> {
    if (path.ends_with("/a.ndjson"))
      return Error{Errc::denied, "open: Permission denied"};
    return {};
  };
  const auto path = claims.spool.layout.incoming() + "/a.ndjson";
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  auto report = claims.take({"a.ndjson", "b.ndjson"});
  CHECK(report.files == 1);
  REQUIRE(report.left.size() == 1);
  CHECK(report.left[0].reason == LeftReason::unreadable);
  CHECK(report.left[0].detail.find("chmod g+r") != std::string::npos);
  // That right is there, and what is missing is another.
  std::filesystem::permissions(path, std::filesystem::perms(0640));
  report = claims.take({"a.ndjson"});
  REQUIRE(report.left.size() == 1);
  CHECK(report.left[0].detail.find("chmod g+r") == std::string::npos);
  CHECK(report.left[0].detail.find("default ACL") != std::string::npos);
  CHECK(names_in(claims.spool.layout.incoming()) == std::set<std::string>{"a.ndjson"});
}

TEST_CASE("a file that vanished before its claim is nobody's fault") {
  Claims claims;
  claims.spool.drop("a.ndjson", "");
  const auto seen = claims.spool.seen("a.ndjson");
  std::filesystem::remove(claims.path("a.ndjson"));
  const auto report = claims.spool.run(claims.claimer->take({seen}));
  CHECK_FALSE(report.stopped);
  CHECK(report.files == 0);
  REQUIRE(report.left.size() == 1);
  CHECK(report.left[0].reason == LeftReason::vanished);
}

TEST_CASE("a file that changed since it was looked at is left to settle") {
  Claims claims;
  claims.spool.drop("a.ndjson", "half");
  const auto seen = claims.spool.seen("a.ndjson");
  claims.spool.drop("a.ndjson", "half and half");
  const auto report = claims.spool.run(claims.claimer->take({seen}));
  CHECK(report.files == 0);
  REQUIRE(report.changed.size() == 1);
  CHECK(report.changed[0].name == "a.ndjson");
  CHECK(names_in(claims.spool.layout.incoming()) == std::set<std::string>{"a.ndjson"});
}

TEST_CASE("what arrives in working/ and is not what was checked goes back untouched") {
  Claims claims;
  claims.spool.drop("a.ndjson", "checked");
  claims.spool.drop("b.ndjson", "other");
  claims.disk.after_rename = [&](const std::string& from, const std::string& to) {
    if (from.ends_with("incoming/a.ndjson"))
      write_file(to, "grown while it was renamed");
  };
  const auto report = claims.take({"a.ndjson", "b.ndjson"});
  CHECK_FALSE(report.stopped);
  CHECK(report.files == 1);
  REQUIRE(report.changed.size() == 1);
  CHECK(report.changed[0].name == "a.ndjson");
  CHECK(read_file(claims.path("a.ndjson")) == "grown while it was renamed");
  REQUIRE(claims.spool.rows().size() == 1);
  CHECK(claims.spool.rows()[0].name == "b.ndjson");
}

TEST_CASE("a file put back never replaces one that came in its place") {
  Claims claims;
  claims.spool.drop("a.ndjson", "checked");
  claims.disk.after_rename = [&](const std::string& from, const std::string& to) {
    if (from.ends_with("incoming/a.ndjson")) {
      write_file(to, "grown while it was renamed");
      claims.spool.drop("a.ndjson", "new");
    }
  };
  claims.take({"a.ndjson"});
  CHECK(read_file(claims.path("a.ndjson")) == "new");
  CHECK(read_file(claims.path("a~2.ndjson")) == "grown while it was renamed");
}
