#include "usherd/adapters/posix_files.hpp"

#include "tests/fakes/temp_directory.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

using namespace usherd;
using usherd::fakes::TempDirectory;

namespace {

std::string content(PosixFiles& files, const std::string& path) {
  const std::unique_ptr<ReadFile> file = files.open(path).value();
  std::string bytes(file->size().value(), '\0');
  bytes.resize(file->read_at(bytes, 0).value());
  return bytes;
}

void put(PosixFiles& files, const std::string& path, std::string_view bytes,
         WriteMode mode = WriteMode::create) {
  const std::unique_ptr<WriteFile> file = files.write(path, mode).value();
  REQUIRE(file->append(bytes).has_value());
  REQUIRE(file->sync().has_value());
}

void make_socket(const std::string& path) {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
  REQUIRE(::bind(descriptor, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  ::close(descriptor);
}

}  // namespace

TEST_CASE("What was appended is read back at any offset") {
  const TempDirectory directory;
  PosixFiles files;
  put(files, directory / "a", "hello");
  const std::unique_ptr<ReadFile> file = files.open(directory / "a").value();
  char bytes[3];
  CHECK(file->size().value() == 5);
  CHECK(file->read_at(bytes, 3).value() == 2);
  CHECK(std::string(bytes, 2) == "lo");
  CHECK(file->read_at(bytes, 5).value() == 0);
  CHECK(file->read_at(bytes, 500).value() == 0);
  CHECK(files.sync(directory / "a").has_value());
  CHECK(files.sync(directory.path()).has_value());
}

TEST_CASE("A sync that was begun early changes nothing of what is written") {
  const TempDirectory directory;
  PosixFiles files;
  const std::unique_ptr<WriteFile> file = files.write(directory / "a", WriteMode::create).value();
  file->begin_sync();
  for (const char* bytes : {"hel", "lo"}) {
    REQUIRE(file->append(bytes).has_value());
    file->begin_sync();
  }
  REQUIRE(file->sync().has_value());
  char bytes[6];
  CHECK(files.open(directory / "a").value()->read_at(bytes, 0).value() == 5);
  CHECK(std::string(bytes, 5) == "hello");
}

TEST_CASE("The ways to write treat what is there each in its own way") {
  const TempDirectory directory;
  PosixFiles files;
  const std::string path = directory / "a";
  put(files, path, "hello");
  CHECK(files.write(path, WriteMode::create).error().code == Errc::exists);

  const std::unique_ptr<ReadFile> old = files.open(path).value();
  put(files, path, "new", WriteMode::truncate);
  CHECK(content(files, path) == "new");
  CHECK(old->size().value() == 5);

  REQUIRE(files.write(path, WriteMode::extend, 2).value()->append("xt").has_value());
  CHECK(content(files, path) == "next");
  CHECK(files.write(path, WriteMode::extend, 5).error().code == Errc::corrupt);
  CHECK(content(files, path) == "next");
  CHECK(files.write(directory / "b", WriteMode::extend).has_value());
  CHECK(files.stat(directory / "b")->size == 0);
}

TEST_CASE("New files can be read by owner and group alone") {
  const TempDirectory directory;
  PosixFiles files;
  const mode_t before = ::umask(0);
  put(files, directory / "a", "x");
  ::umask(before);
  struct ::stat found {};
  REQUIRE(::lstat((directory / "a").c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0640);
}

TEST_CASE("Links, FIFOs, sockets, devices and directories are never opened") {
  const TempDirectory directory;
  PosixFiles files;
  put(files, directory / "real", "x");
  REQUIRE(::symlink((directory / "real").c_str(), (directory / "link").c_str()) == 0);
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  REQUIRE(::mkdir((directory / "folder").c_str(), 0700) == 0);
  make_socket(directory / "socket");
  for (const char* name : {"link", "fifo", "folder", "socket"}) {
    CAPTURE(name);
    CHECK(files.open(directory / name).error().code == Errc::invalid);
    CHECK(files.write(directory / name, WriteMode::extend).error().code == Errc::invalid);
    CHECK(files.write(directory / name, WriteMode::create).error().code == Errc::exists);
  }
  CHECK(files.open("/dev/null").error().code == Errc::invalid);
  CHECK(content(files, directory / "real") == "x");
  CHECK(files.open(directory / "missing").error().code == Errc::not_found);
}

TEST_CASE("A stat tells what a name is without following it") {
  const TempDirectory directory;
  PosixFiles files;
  put(files, directory / "real", "four");
  REQUIRE(::symlink("real", (directory / "link").c_str()) == 0);
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  REQUIRE(::link((directory / "real").c_str(), (directory / "hard").c_str()) == 0);
  const FileStat real = files.stat(directory / "real").value();
  CHECK(real.kind == FileKind::regular);
  CHECK(real.size == 4);
  CHECK(real.links == 2);
  CHECK(real.modified_ns > 1'000'000'000'000'000'000);
  CHECK(real.changed_ns >= real.modified_ns);
  const FileStat hard = files.stat(directory / "hard").value();
  CHECK(hard.inode == real.inode);
  CHECK(hard.device == real.device);
  CHECK(files.stat(directory / "link")->kind == FileKind::symlink);
  CHECK(files.stat(directory / "fifo")->kind == FileKind::other);
  CHECK(files.stat(directory.path())->kind == FileKind::directory);
  CHECK(files.stat(directory / "missing").error().code == Errc::not_found);
}

TEST_CASE("A rename never replaces") {
  const TempDirectory directory;
  PosixFiles files;
  put(files, directory / "a", "a");
  put(files, directory / "b", "b");
  CHECK(files.rename(directory / "a", directory / "b").error().code == Errc::exists);
  CHECK(content(files, directory / "b") == "b");
  CHECK(files.rename(directory / "a", directory / "c").has_value());
  CHECK(content(files, directory / "c") == "a");
  const Result<void> gone = files.rename(directory / "a", directory / "d");
  CHECK(gone.error().code == Errc::not_found);
  CHECK(gone.error().message.find(directory / "a") != std::string::npos);
}

TEST_CASE("Removing what is gone is a success, removing a directory is not") {
  const TempDirectory directory;
  PosixFiles files;
  put(files, directory / "a", "a");
  CHECK(files.remove(directory / "a").has_value());
  CHECK(files.remove(directory / "a").has_value());
  CHECK(files.remove(directory.path()).error().code == Errc::invalid);
}

TEST_CASE("A list names everything once, until it is told to stop") {
  const TempDirectory directory;
  PosixFiles files;
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back("file" + std::to_string(i));
    put(files, directory / expected.back(), "");
  }
  std::vector<std::string> names;
  auto all = [&](std::string_view name) {
    names.emplace_back(name);
    return true;
  };
  REQUIRE(files.list(directory.path(), all).has_value());
  std::sort(names.begin(), names.end());
  std::sort(expected.begin(), expected.end());
  CHECK(names == expected);
  int seen = 0;
  auto three = [&](std::string_view) { return ++seen < 3; };
  REQUIRE(files.list(directory.path(), three).has_value());
  CHECK(seen == 3);
  CHECK(files.list(directory / "missing", all).error().code == Errc::not_found);
  CHECK_FALSE(files.list(directory / "file1", all).has_value());
}
