#include "usherd/adapters/posix_files.hpp"

#include "src/adapters/descriptor.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace usherd {
namespace {

constexpr mode_t kMode = 0640;
// A name is never followed if it is a link, and opening a FIFO or a terminal neither waits nor takes it over.
constexpr int kSafe = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

Error failed(int number, std::string_view what, std::string_view path) {
  std::string text = fmt::format("{} {}", what, printable(path, 400));
  if (number == ELOOP) {
    return {Errc::invalid, text + ": is a symbolic link"};
  }
  if (number == EISDIR) {
    return {Errc::invalid, text + ": is not a regular file"};
  }
  return Error::system(number, text);
}

Error not_regular(std::string_view what, std::string_view path) {
  return {Errc::invalid, fmt::format("{} {}: is not a regular file", what, printable(path, 400))};
}

/// What the system says of FIFOs, sockets and devices that it does not open, it says of a disk that went away
/// as well.
bool is_special(const std::string& path) {
  struct ::stat found {};
  return ::lstat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
}

Result<Descriptor> open_descriptor(const std::string& path, int flags, std::string_view what) {
  Descriptor file(retry([&] { return ::open(path.c_str(), flags | kSafe, kMode); }));
  if (file.get() < 0) {
    const int number = errno;
    if ((number == ENXIO || number == ENODEV) && is_special(path)) {
      return not_regular(what, path);
    }
    return failed(number, what, path);
  }
  return file;
}

Result<void> check_regular(const Descriptor& file, const std::string& path, std::string_view what) {
  struct ::stat found {};
  if (::fstat(file.get(), &found) != 0) {
    return failed(errno, what, path);
  }
  if (!S_ISREG(found.st_mode)) {
    return not_regular(what, path);
  }
  return {};
}

class PosixReadFile final : public ReadFile {
 public:
  PosixReadFile(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto rest = into.subspan(done);
      const ssize_t got = retry(
          [&] { return ::pread(file_.get(), rest.data(), rest.size(), static_cast<off_t>(offset + done)); });
      if (got < 0) {
        return failed(errno, "read", path_);
      }
      if (got == 0) {
        break;
      }
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<std::uint64_t> size() override {
    struct ::stat found {};
    if (::fstat(file_.get(), &found) != 0) {
      return failed(errno, "stat", path_);
    }
    return static_cast<std::uint64_t>(found.st_size);
  }

 private:
  Descriptor file_;
  std::string path_;
};

class PosixWriteFile final : public WriteFile {
 public:
  PosixWriteFile(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  Result<void> append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = retry([&] { return ::write(file_.get(), bytes.data(), bytes.size()); });
      if (put < 0) {
        return failed(errno, "write", path_);
      }
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
  }

  void begin_sync() override {
    static_cast<void>(::sync_file_range(file_.get(), 0, 0, SYNC_FILE_RANGE_WRITE));
  }

  Result<void> sync() override {
    if (retry([&] { return ::fdatasync(file_.get()); }) != 0) {
      return failed(errno, "sync", path_);
    }
    return {};
  }

 private:
  Descriptor file_;
  std::string path_;
};

Result<void> cut(const Descriptor& file, const std::string& path, std::uint64_t keep) {
  struct ::stat found {};
  if (::fstat(file.get(), &found) != 0) {
    return failed(errno, "stat", path);
  }
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size < keep) {
    return Error{Errc::corrupt, fmt::format("extend {}: {} bytes are there, {} were kept",
                                            printable(path, 400), size, keep)};
  }
  if (size > keep && retry([&] { return ::ftruncate(file.get(), static_cast<off_t>(keep)); }) != 0) {
    return failed(errno, "cut", path);
  }
  return {};
}

// File systems without RENAME_NOREPLACE still have link(), which never replaces either.
Result<void> rename_by_link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) {
    return failed(errno, "rename to", to);
  }
  if (::unlink(from.c_str()) != 0) {
    return failed(errno, "remove", from);
  }
  return {};
}

FileKind kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileKind::regular;
    case S_IFDIR:
      return FileKind::directory;
    case S_IFLNK:
      return FileKind::symlink;
    default:
      return FileKind::other;
  }
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

Result<std::unique_ptr<ReadFile>> PosixFiles::open(const std::string& path) {
  Result<Descriptor> file = open_descriptor(path, O_RDONLY, "open");
  if (!file) {
    return file.error();
  }
  if (Result<void> checked = check_regular(*file, path, "open"); !checked) {
    return checked.error();
  }
  ::posix_fadvise(file->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::make_unique<PosixReadFile>(std::move(*file), path);
}

Result<std::unique_ptr<WriteFile>> PosixFiles::write(const std::string& path, WriteMode mode,
                                                     std::uint64_t keep) {
  // Made anew means a new inode: another name of the old file, or its reader, keeps the old bytes.
  if (mode == WriteMode::truncate) {
    if (Result<void> removed = remove(path); !removed) {
      return removed.error();
    }
  }
  const int exclusive = mode == WriteMode::extend ? 0 : O_EXCL;
  Result<Descriptor> file = open_descriptor(path, O_WRONLY | O_APPEND | O_CREAT | exclusive, "create");
  if (!file) {
    return file.error();
  }
  if (Result<void> checked = check_regular(*file, path, "write"); !checked) {
    return checked.error();
  }
  if (mode == WriteMode::extend) {
    if (Result<void> kept = cut(*file, path, keep); !kept) {
      return kept.error();
    }
  }
  return std::make_unique<PosixWriteFile>(std::move(*file), path);
}

Result<void> PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    return {};
  }
  if (errno == EINVAL || errno == ENOSYS) {
    return rename_by_link(from, to);
  }
  const int number = errno;
  return failed(number, number == ENOENT ? "rename" : "rename to", number == ENOENT ? from : to);
}

Result<void> PosixFiles::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return failed(errno, "remove", path);
  }
  return {};
}

Result<void> PosixFiles::list(const std::string& directory,
                              const std::function<bool(std::string_view)>& visit) {
  Result<Descriptor> opened = open_descriptor(directory, O_RDONLY | O_DIRECTORY, "list");
  if (!opened) {
    return opened.error();
  }
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(opened->get()));
  if (!stream) {
    return failed(errno, "list", directory);
  }
  static_cast<void>(opened->release());
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) {
        return failed(errno, "list", directory);
      }
      return {};
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !visit(name)) {
      return {};
    }
  }
}

Result<FileStat> PosixFiles::stat(const std::string& path) {
  struct ::stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    return failed(errno, "stat", path);
  }
  FileStat stat;
  stat.kind = kind_of(found.st_mode);
  stat.size = static_cast<std::uint64_t>(found.st_size);
  stat.device = found.st_dev;
  stat.inode = found.st_ino;
  stat.links = found.st_nlink;
  stat.modified_ns = nanoseconds(found.st_mtim);
  stat.changed_ns = nanoseconds(found.st_ctim);
  return stat;
}

Result<void> PosixFiles::sync(const std::string& path) {
  Result<Descriptor> file = open_descriptor(path, O_RDONLY, "sync");
  if (!file) {
    return file.error();
  }
  if (retry([&] { return ::fsync(file->get()); }) != 0) {
    return failed(errno, "sync", path);
  }
  return {};
}

}  // namespace usherd
