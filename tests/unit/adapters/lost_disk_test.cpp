#include "usherd/adapters/posix_files.hpp"

#include "tests/fakes/temp_directory.hpp"

#include <doctest/doctest.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <string>

using namespace usherd;
using usherd::fakes::TempDirectory;

namespace {

/// What the system answers to calls on this thread, as for a disk that was pulled out; 0: it does them.
thread_local int open_error = 0;
thread_local int read_error = 0;

std::string made(const TempDirectory& directory, PosixFiles& files) {
  auto path = directory / "records";
  REQUIRE(files.write(path, WriteMode::create).value()->append("four").has_value());
  return path;
}

}  // namespace

// Takes the place of the system's in this program.
extern "C" ssize_t pread(int file, void* into, size_t size, off_t offset) {
  if (read_error != 0) {
    errno = read_error;
    return -1;
  }
  static const auto real = reinterpret_cast<decltype(&pread)>(::dlsym(RTLD_NEXT, "pread"));
  return real(file, into, size, offset);
}

extern "C" int open(const char* path, int flags, ...) {
  if (open_error != 0) {
    errno = open_error;
    return -1;
  }
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  static const auto real = reinterpret_cast<int (*)(const char*, int, ...)>(::dlsym(RTLD_NEXT, "open"));
  return real(path, flags, mode);
}

TEST_CASE("A disk that went away is no changed file") {
  const TempDirectory directory;
  PosixFiles files;
  const auto path = made(directory, files);
  const auto file = files.open(path).value();
  for (const int number : {ENODEV, ENXIO}) {
    CAPTURE(number);
    std::array<char, 4> bytes{};
    read_error = number;
    const auto got = file->read_at(bytes, 0);
    read_error = 0;
    CHECK(got.error().code == Errc::io);
    open_error = number;
    const auto opened = files.open(path);
    const auto listed = files.list(directory.path(), [](std::string_view) { return true; });
    open_error = 0;
    CHECK(opened.error().code == Errc::io);
    CHECK(listed.error().code == Errc::io);
  }
}

TEST_CASE("Where the system opens no FIFO or device it is told for what it is") {
  const TempDirectory directory;
  PosixFiles files;
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  open_error = ENXIO;
  const auto opened = files.open(directory / "fifo");
  open_error = 0;
  CHECK(opened.error().code == Errc::invalid);
}
