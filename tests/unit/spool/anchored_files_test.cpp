#include "usherd/spool/anchored_files.hpp"

#include "tests/fakes/mem_files.hpp"
#include "tests/unit/spool/stopping_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace usherd;

namespace {

/// A spool with one accepted file, and its daemon's view of the disk.
struct Anchored {
  Anchored() {
    make_folders();
    disk.put("/spool/working/1.a.ndjson", "{}\n");
    files.emplace(disk, SpoolLayout("/spool"), FolderIdentity::of(disk, "/spool/working").value());
  }
  void make_folders() {
    for (const auto* folder : {"/spool", "/spool/incoming", "/spool/working", "/spool/done"})
      disk.make_directory(folder);
  }
  /// Its disk is not mounted, and below it stand empty folders.
  void bare() {
    disk.move_folder("/spool", "/elsewhere");
    make_folders();
  }

  fakes::MemFiles disk;
  std::optional<AnchoredFiles> files;
};

struct Call {
  const char* name;
  std::function<Result<void>(Files&)> make;
};

template <class T>
Result<void> outcome(const Result<T>& done) {
  return done ? Result<void>{} : done.error();
}

/// All that a port can do, on what stands in working/ or could.
std::vector<Call> calls() {
  const std::string there = "/spool/working/1.a.ndjson";
  const auto nothing = [](std::string_view) { return true; };
  return {
      {"open", [=](Files& files) { return outcome(files.open(there)); }},
      {"stat", [=](Files& files) { return outcome(files.stat(there)); }},
      {"sync", [=](Files& files) { return files.sync("/spool/working"); }},
      {"list", [=](Files& files) { return files.list("/spool/working", nothing); }},
      {"list incoming", [=](Files& files) { return files.list("/spool/incoming", nothing); }},
      {"create", [=](Files& files) { return outcome(files.write(there + "2", WriteMode::create)); }},
      {"rename", [=](Files& files) { return files.rename("/spool/incoming/b", there + "3"); }},
      {"remove", [=](Files& files) { return files.remove(there); }},
  };
}

}  // namespace

TEST_CASE("while the spool stands where it stood, everything is as the disk says it") {
  Anchored anchored;
  anchored.disk.put("/spool/incoming/b", "{}\n");
  CHECK(anchored.files->holds().has_value());
  for (const auto& call : calls()) {
    CAPTURE(std::string(call.name));
    CHECK(call.make(*anchored.files).has_value());
  }
  CHECK(anchored.disk.names("/spool/working") == std::vector<std::string>{"1.a.ndjson2", "1.a.ndjson3"});
  CHECK(anchored.files->open("/spool/working/1.a.ndjson").error().code == Errc::not_found);
  CHECK(anchored.files->stat("/spool/done/none").error().code == Errc::not_found);
  CHECK(anchored.files->rename("/spool/working/none", "/spool/done/none").error().code == Errc::not_found);
}

TEST_CASE("what is away with its folder, or with the whole spool, may be waited for and is not gone") {
  for (const auto* folder : {"/spool/working", "/spool"}) {
    for (const auto& call : calls()) {
      CAPTURE(std::string(folder));
      CAPTURE(std::string(call.name));
      Anchored anchored;
      anchored.disk.put("/spool/incoming/b", "{}\n");
      anchored.disk.move_folder(folder, "/elsewhere");
      const auto done = call.make(*anchored.files);
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().code == Errc::io);
      CHECK(done.error().message.find("/spool/working is away") != std::string::npos);
      anchored.disk.move_folder("/elsewhere", folder);
      CHECK(call.make(*anchored.files).has_value());
    }
  }
}

TEST_CASE(
    "on other folders in the spool's place nothing is done, and nothing there is taken for the spool's") {
  for (const auto& call : calls()) {
    CAPTURE(std::string(call.name));
    Anchored anchored;
    anchored.bare();
    anchored.disk.put("/spool/incoming/b", "{}\n");
    const auto effects = anchored.disk.effects();
    const auto done = call.make(*anchored.files);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == Errc::io);
    CHECK(done.error().message.find("/spool/working is another folder") != std::string::npos);
    const std::uint64_t synced = std::string(call.name) == "sync" ? 1 : 0;
    CHECK(anchored.disk.effects() == effects + synced);
  }
}

TEST_CASE("a copy of the spool is not the spool") {
  Anchored anchored;
  anchored.bare();
  anchored.disk.put("/spool/working/1.a.ndjson", "{}\n");
  CHECK_FALSE(anchored.files->open("/spool/working/1.a.ndjson").has_value());
}

TEST_CASE("what stands beside the spool is none of its business") {
  Anchored anchored;
  anchored.disk.move_folder("/spool", "/elsewhere");
  anchored.disk.make_directory("/spool-other");
  CHECK(anchored.files->write("/spool-other/a", WriteMode::create).has_value());
  CHECK(anchored.files->rename("/spool-other/a", "/spool-other/b").has_value());
  CHECK(anchored.files->stat("/spool-other/a").error().code == Errc::not_found);
  CHECK(anchored.files->open("/spool-other/b").has_value());
}

TEST_CASE("a file is not gone when the spool comes back between two looks") {
  test::TempSpool spool;
  spool.drop("a.ndjson", "{}\n");
  const auto path = spool.layout.incoming() + "/a.ndjson";
  test::StoppingFiles disk;
  AnchoredFiles files(disk, spool.layout, FolderIdentity::of(disk, spool.layout.working()).value());
  int looks = 0;
  disk.before_open = disk.before_stat = [&](const std::string& asked) {
    return asked == path && ++looks == 1 ? Result<void>(Error{Errc::not_found, path}) : Result<void>{};
  };
  CHECK(files.open(path).has_value());
  looks = 0;
  CHECK(files.stat(path).has_value());
}
