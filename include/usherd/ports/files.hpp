#pragma once

#include "usherd/core/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace usherd {

/// Whether an error of reading says that what stood there is gone: the file is missing or shorter, or
/// something else than a regular file is in its place. Any other error may pass: the disk cannot give the
/// bytes now.
[[nodiscard]] inline bool is_gone(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::not_found || error.code == Errc::invalid;
}

/// A file open for reading; closes itself. Safe to use from several threads at once.
class ReadFile {
 public:
  virtual ~ReadFile() = default;
  /// Reads up to into.size() bytes at `offset`; fewer only at the end of the file, 0 past it.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
};

/// A file being appended to; closes itself. What was not synced may be gone after a crash.
class WriteFile {
 public:
  virtual ~WriteFile() = default;
  [[nodiscard]] virtual Result<void> append(std::string_view bytes) = 0;
  /// Lets the disk begin with what was appended, so that sync() has less to wait for. Promises nothing.
  virtual void begin_sync() {}
  [[nodiscard]] virtual Result<void> sync() = 0;
};

enum class FileKind : std::uint8_t { regular, directory, symlink, other };

struct FileStat {
  FileKind kind = FileKind::regular;
  std::uint64_t size = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 1;
  std::int64_t modified_ns = 0;  ///< mtime
  std::int64_t changed_ns = 0;   ///< ctime: moves at every write, rename and chmod, and nobody can set it
};

/// How Files::write treats what is there.
enum class WriteMode : std::uint8_t {
  create,    ///< the file must not exist
  truncate,  ///< made anew, whatever was there
  extend,    ///< made if missing; cut to `keep` bytes, then appends
};

/// The file system as the spool needs it. Paths are absolute. Symbolic links are never followed in the last
/// part.
class Files {
 public:
  virtual ~Files() = default;
  /// Errors: not_found; denied; invalid for a symlink, FIFO, device or directory.
  [[nodiscard]] virtual Result<std::unique_ptr<ReadFile>> open(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<WriteFile>> write(const std::string& path, WriteMode mode,
                                                                 std::uint64_t keep = 0) = 0;
  /// Never replaces: Errc::exists when `to` is there.
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Success too when it is gone already.
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// Calls `visit` with each name in a directory, in no order, until it returns false.
  [[nodiscard]] virtual Result<void> list(const std::string& directory,
                                          const std::function<bool(std::string_view)>& visit) = 0;
  [[nodiscard]] virtual Result<FileStat> stat(const std::string& path) = 0;
  /// Makes a file's bytes, or a directory's entries, durable.
  [[nodiscard]] virtual Result<void> sync(const std::string& path) = 0;
};

}  // namespace usherd
