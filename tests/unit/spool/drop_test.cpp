#include "usherd/spool/drop.hpp"

#include "tests/unit/spool/stopping_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace usherd;
using namespace usherd::test;

namespace {

struct Drops {
  TempDirectory directory;
  SpoolLayout layout{directory.path()};
  StoppingFiles disk;

  Drops() { std::filesystem::create_directory(layout.incoming()); }
  std::string source(const std::string& name, std::string_view text) {
    const auto path = directory.path() + "/" + name;
    write_file(path, text);
    return path;
  }
};

}  // namespace

TEST_CASE("a dropped file stands whole in incoming/ under its name") {
  Drops drops;
  const std::string text(700'000, 'x');
  const auto name = drop_file(drops.disk, drops.layout, drops.source("a.ndjson", text));
  REQUIRE(name.has_value());
  CHECK(*name == "a.ndjson");
  CHECK(names_in(drops.layout.incoming()) == std::set<std::string>{"a.ndjson"});
  CHECK(read_file(drops.layout.incoming() + "/a.ndjson") == text);
}

TEST_CASE("a taken name gets a number and nothing is replaced") {
  Drops drops;
  write_file(drops.layout.incoming() + "/a.ndjson", "first");
  write_file(drops.layout.incoming() + "/a~2.ndjson", "second");
  CHECK(drop_file(drops.disk, drops.layout, drops.source("a.ndjson", "third")).value() == "a~3.ndjson");
  CHECK(read_file(drops.layout.incoming() + "/a.ndjson") == "first");
  CHECK(read_file(drops.layout.incoming() + "/a~2.ndjson") == "second");
  CHECK(read_file(drops.layout.incoming() + "/a~3.ndjson") == "third");
}

TEST_CASE("a name that would not be taken as it stands is refused before anything is copied") {
  Drops drops;
  for (const auto* name :
       {"", "a", "a.txt", ".a.ndjson", "a.ndjson.tmp", "a/b.ndjson", "a\n.ndjson", "a.receipt.json"}) {
    CAPTURE(name);
    const auto checked = check_drop_name(name);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code == Errc::invalid);
  }
  CHECK_FALSE(drop_file(drops.disk, drops.layout, drops.source("a.txt", "x")).has_value());
  CHECK(names_in(drops.layout.incoming()).empty());
  CHECK(check_drop_name("a.csv.zst").has_value());
}

TEST_CASE("a spool that no start has made yet is named, with what makes it") {
  Drops drops;
  std::filesystem::remove(drops.layout.incoming());
  const auto source = drops.source("a.ndjson", "{}");
  const auto dropped = drop_file(drops.disk, drops.layout, source);
  REQUIRE_FALSE(dropped.has_value());
  CHECK(dropped.error().code == Errc::not_found);
  CHECK(dropped.error().message ==
        "drop a.ndjson: " + drops.layout.incoming() +
            " is not there: the first start of usherd makes it; or spool.directory "
            "of the configuration is another one");
  // A source that is not there is another matter.
  const auto missing = drop_file(drops.disk, drops.layout, drops.directory.path() + "/missing.ndjson");
  CHECK(missing.error().message.starts_with("open "));
}

TEST_CASE("what cannot be copied leaves nothing behind") {
  Drops drops;
  SUBCASE("a directory") {
    std::filesystem::create_directory(drops.directory.path() + "/b.ndjson");
    CHECK_FALSE(drop_file(drops.disk, drops.layout, drops.directory.path() + "/b.ndjson").has_value());
  }
  SUBCASE("a missing file") {
    CHECK_FALSE(drop_file(drops.disk, drops.layout, drops.directory.path() + "/missing.ndjson").has_value());
  }
  SUBCASE("a source that breaks off") {
    int pieces = 0;
    const auto source = [&](std::span<char> into) -> Result<std::size_t> {
      if (++pieces == 2)
        return Error{Errc::io, "read: Input/output error"};
      into[0] = 'x';
      return std::size_t{1};
    };
    const auto dropped = drop(drops.disk, drops.layout, "a.ndjson", source);
    REQUIRE_FALSE(dropped.has_value());
    CHECK(dropped.error().message.find("Input/output") != std::string::npos);
  }
  CHECK(names_in(drops.layout.incoming()).empty());
}

TEST_CASE("who may not drop is told whose member to be") {
  Drops drops;
  drops.disk.effects_left = 0;
  drops.disk.failure = Errc::denied;
  const auto dropped = drop_file(drops.disk, drops.layout, drops.source("a.ndjson", "{}\n"));
  REQUIRE_FALSE(dropped.has_value());
  CHECK(dropped.error().message.ends_with(": be root, or a member of the group usherd-submit"));
}

TEST_CASE("standard input is dropped under the name it is given") {
  Drops drops;
  const auto path = drops.source("source", "{}\n");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(descriptor >= 0);
  CHECK(drop_descriptor(drops.disk, drops.layout, "b.jsonl", descriptor).value() == "b.jsonl");
  ::close(descriptor);
  CHECK(read_file(drops.layout.incoming() + "/b.jsonl") == "{}\n");
}

TEST_CASE("usherd's group can read what was dropped") {
  Drops drops;
  REQUIRE(drop_file(drops.disk, drops.layout, drops.source("a.ndjson", "")).has_value());
  struct ::stat found {};
  REQUIRE(::stat((drops.layout.incoming() + "/a.ndjson").c_str(), &found) == 0);
  CHECK((found.st_mode & 0040U) != 0);
  CHECK((found.st_mode & 0007U) == 0);
}
