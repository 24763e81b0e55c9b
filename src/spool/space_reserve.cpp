#include "usherd/spool/space_reserve.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace usherd {
namespace {

std::string path_in(const std::string& directory) {
  return directory + "/.usherd-reserve";
}

std::uint64_t size_for(const struct ::statvfs& file_system) {
  const auto all = std::uint64_t{file_system.f_blocks} * file_system.f_frsize;
  return std::clamp(all / 64, SpaceReserve::kLeastBytes, SpaceReserve::kMostBytes);
}

/// Blocks of its own for every byte: what is sparse keeps nothing back.
Result<void> fill(int file, const std::string& path, std::uint64_t size) {
  struct ::stat found {};
  if (::fstat(file, &found) != 0)
    return Error::system(errno, path);
  if (static_cast<std::uint64_t>(found.st_size) >= size &&
      static_cast<std::uint64_t>(found.st_blocks) * 512 >= size)
    return {};
  const int failure = ::posix_fallocate(file, 0, static_cast<off_t>(size));
  return failure == 0 ? Result<void>{}
                      : Result<void>{Error::system(failure, fmt::format("keep back {}", path))};
}

Result<void> hold_in(const std::string& directory) {
  struct ::statvfs file_system {};
  if (::statvfs(directory.c_str(), &file_system) != 0)
    return Error::system(errno, directory);
  const auto path = path_in(directory);
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0)
    return Error::system(errno, fmt::format("keep back {}", path));
  auto filled = fill(file, path, size_for(file_system));
  ::close(file);
  // Half a reserve would only make the disk fuller.
  if (!filled)
    ::unlink(path.c_str());
  return filled;
}

}  // namespace

Result<void> SpaceReserve::hold() {
  std::set<dev_t> seen;
  for (const auto& directory : directories_) {
    struct ::stat found {};
    if (::stat(directory.c_str(), &found) != 0)
      return Error::system(errno, directory);
    if (!seen.insert(found.st_dev).second)
      continue;
    if (auto held = hold_in(directory); !held)
      return held;
  }
  spent_ = false;
  return {};
}

bool SpaceReserve::give() {
  bool given = false;
  for (const auto& directory : directories_)
    given = ::unlink(path_in(directory).c_str()) == 0 || given;
  spent_ = true;
  return given;
}

}  // namespace usherd
