#include "tests/fakes/mem_files.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using usherd::fakes::MemFiles;

namespace {

struct Spool {
  Spool() {
    files.make_directory("/in");
    files.make_directory("/work");
  }
  void write(const std::string& path, std::string_view bytes, bool sync) {
    const std::unique_ptr<WriteFile> file = files.write(path, WriteMode::create).value();
    REQUIRE(file->append(bytes).has_value());
    if (sync) {
      REQUIRE(file->sync().has_value());
    }
  }
  MemFiles files;
};

}  // namespace

TEST_CASE("The fake file system reads, writes, lists and tells as the real one does") {
  Spool spool;
  MemFiles& files = spool.files;
  spool.write("/in/a", "hello", true);
  const std::unique_ptr<ReadFile> file = files.open("/in/a").value();
  char bytes[3];
  CHECK(file->read_at(bytes, 3).value() == 2);
  CHECK(file->read_at(bytes, 9).value() == 0);
  CHECK(files.write("/in/a", WriteMode::create).error().code == Errc::exists);
  REQUIRE(files.write("/in/a", WriteMode::extend, 2).value()->append("y").has_value());
  CHECK(files.content("/in/a") == "hey");
  CHECK(files.write("/in/a", WriteMode::extend, 4).error().code == Errc::corrupt);
  REQUIRE(files.write("/in/a", WriteMode::truncate).has_value());
  CHECK(files.content("/in/a").empty());
  CHECK(file->size().value() == 3);
  files.put("/in/b", "b");
  CHECK(files.rename("/in/a", "/in/b").error().code == Errc::exists);
  CHECK(files.rename("/in/x", "/in/y").error().code == Errc::not_found);
  CHECK(files.rename("/in/a", "/none/a").error().code == Errc::not_found);
  CHECK(files.write("/none/a", WriteMode::create).error().code == Errc::not_found);
  CHECK(files.rename("/in/a", "/work/a").has_value());
  CHECK(files.names("/in") == std::vector<std::string>{"b"});
  CHECK(files.names("/work") == std::vector<std::string>{"a"});
  CHECK(files.remove("/work/a").has_value());
  CHECK(files.remove("/work/a").has_value());
  CHECK_FALSE(files.exists("/work/a"));
  files.link("/in/b", "/work/b");
  CHECK(files.stat("/work/b")->links == 2);
  CHECK(files.stat("/work/b")->inode == files.stat("/in/b")->inode);
  files.make("/in/fifo", FileKind::other);
  CHECK(files.open("/in/fifo").error().code == Errc::invalid);
  CHECK(files.stat("/in/fifo")->kind == FileKind::other);
  CHECK(files.stat("/in")->kind == FileKind::directory);
  CHECK(files.stat("/in/none").error().code == Errc::not_found);
}

TEST_CASE("Changes move the inode change time, as every rename does") {
  Spool spool;
  spool.files.set_time(1000);
  spool.files.put("/in/a", "a");
  const std::int64_t before = spool.files.stat("/in/a")->changed_ns;
  CHECK(before >= 1000);
  REQUIRE(spool.files.rename("/in/a", "/in/b").has_value());
  CHECK(spool.files.stat("/in/b")->changed_ns > before);
  CHECK(spool.files.stat("/in/b")->modified_ns == before);
}

TEST_CASE("A power failure takes what was not synced: bytes and directory entries each for themselves") {
  struct Row {
    bool sync_file;
    bool sync_directory;
    bool left;
    const char* content;
  };
  const Row rows[] = {{false, false, false, ""},
                      {true, false, false, ""},
                      {false, true, true, ""},
                      {true, true, true, "hello"}};
  for (const Row& row : rows) {
    CAPTURE(row.sync_file);
    CAPTURE(row.sync_directory);
    Spool spool;
    spool.write("/work/a", "hello", row.sync_file);
    if (row.sync_directory) {
      REQUIRE(spool.files.sync("/work").has_value());
    }
    spool.files.drop_unsynced();
    CHECK(spool.files.exists("/work/a") == row.left);
    CHECK(spool.files.content("/work/a") == row.content);
  }
}

TEST_CASE("Bytes appended after the last sync are gone, and an old handle writes into nothing") {
  Spool spool;
  spool.files.put("/work/a", "old");
  const std::unique_ptr<WriteFile> file = spool.files.write("/work/a", WriteMode::extend, 3).value();
  REQUIRE(file->append(" kept").has_value());
  REQUIRE(file->sync().has_value());
  REQUIRE(file->append(" lost").has_value());
  spool.files.drop_unsynced();
  CHECK(spool.files.content("/work/a") == "old kept");
  REQUIRE(file->append("ghost").has_value());
  CHECK(spool.files.content("/work/a") == "old kept");
}

TEST_CASE("A rename is whole or not at all after a power failure") {
  for (const char* synced : {"", "/in", "/work"}) {
    CAPTURE(synced);
    Spool spool;
    spool.files.put("/in/a", "a");
    REQUIRE(spool.files.rename("/in/a", "/work/1").has_value());
    if (*synced != '\0') {
      REQUIRE(spool.files.sync(synced).has_value());
    }
    spool.files.drop_unsynced();
    CHECK(spool.files.exists("/in/a") == (*synced == '\0'));
    CHECK(spool.files.exists("/work/1") == (*synced != '\0'));
  }
}

TEST_CASE("A chain of renames is durable once its last directory is") {
  Spool spool;
  spool.files.make_directory("/done");
  spool.write("/in/new", "n", true);
  REQUIRE(spool.files.rename("/in/new", "/work/1").has_value());
  REQUIRE(spool.files.rename("/work/1", "/done/new").has_value());
  REQUIRE(spool.files.sync("/done").has_value());
  REQUIRE(spool.files.sync("/in").has_value());
  spool.files.drop_unsynced();
  CHECK(spool.files.names("/in").empty());
  CHECK(spool.files.names("/work").empty());
  CHECK(spool.files.content("/done/new") == "n");
}

TEST_CASE("A removal comes back unless its directory was synced") {
  for (const bool synced : {false, true}) {
    Spool spool;
    spool.files.put("/in/a", "a");
    REQUIRE(spool.files.remove("/in/a").has_value());
    if (synced) {
      REQUIRE(spool.files.sync("/in").has_value());
    }
    spool.files.drop_unsynced();
    CHECK(spool.files.exists("/in/a") == !synced);
  }
}

TEST_CASE("The n-th effect fails and does nothing, reads are no effects") {
  Spool spool;
  MemFiles& files = spool.files;
  files.put("/in/a", "a");
  CHECK(files.effects() == 0);
  files.fail_at(2, Error{Errc::io, "broken"});
  const std::unique_ptr<WriteFile> file = files.write("/in/b", WriteMode::create).value();
  CHECK(files.stat("/in/b").has_value());
  CHECK(files.open("/in/b").has_value());
  CHECK(file->append("x").error().code == Errc::io);
  CHECK(files.content("/in/b").empty());
  CHECK(file->append("y").has_value());
  CHECK(files.effects() == 3);

  files.fail_from(4, Error{Errc::no_space, "full"});
  CHECK(file->sync().error().code == Errc::no_space);
  CHECK(files.rename("/in/a", "/work/a").error().code == Errc::no_space);
  CHECK(files.remove("/in/a").error().code == Errc::no_space);
  CHECK(files.sync("/in").error().code == Errc::no_space);
  CHECK(files.write("/in/c", WriteMode::create).error().code == Errc::no_space);
  CHECK(files.names("/in") == std::vector<std::string>{"a", "b"});
  files.heal();
  CHECK(files.rename("/in/a", "/work/a").has_value());
  CHECK(files.effects() == 9);
}
