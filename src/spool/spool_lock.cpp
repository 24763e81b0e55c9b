#include "usherd/spool/spool_lock.hpp"

#include "usherd/spool/folders.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

namespace usherd {
namespace {

Error held(int descriptor, const std::string& directory) {
  std::array<char, 32> text{};
  const auto length = ::pread(descriptor, text.data(), text.size(), 0);
  long pid = 0;
  if (length > 0)
    std::from_chars(text.data(), text.data() + length, pid);
  const auto who = pid > 0 ? fmt::format("another usherd (pid {})", pid) : std::string("another usherd");
  return {Errc::denied, fmt::format("{} holds {}", who, directory)};
}

/// Opens the file, and tells whether that made it.
int open_lock(const std::string& path, bool& is_new) {
  while (true) {
    is_new = false;
    int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor >= 0 || errno != ENOENT)
      return descriptor;
    is_new = true;
    descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor >= 0 || errno != EEXIST)
      return descriptor;
  }
}

/// A refused start removes the lock that it made: who opened it before holds nothing.
bool is_removed(int descriptor) {
  struct ::stat found {};
  return ::fstat(descriptor, &found) == 0 && found.st_nlink == 0;
}

/// As an earlier run by root leaves it.
bool belongs_to_root(const std::string& path) {
  struct ::stat found {};
  return ::lstat(path.c_str(), &found) == 0 && found.st_uid == 0;
}

Result<void> lock(const std::string& directory, int& descriptor, MadePlaces* made) {
  const auto path = directory + "/.usherd-lock";
  bool is_new = false;
  while (true) {
    descriptor = open_lock(path, is_new);
    if (descriptor < 0) {
      const int number = errno;
      auto error = call_error(directory, number, fmt::format("open {}", path));
      if (number == EACCES && belongs_to_root(path))
        error.message += ": root made it; run 'usherd doctor --repair' as root, which gives it back";
      // Denied would mean that somebody holds it.
      return Error{error.code == Errc::no_space ? Errc::no_space : Errc::io, error.message};
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK)
        return held(descriptor, directory);
      return call_error(directory, errno, fmt::format("lock {}", path));
    }
    if (!is_removed(descriptor))
      break;
    ::close(std::exchange(descriptor, -1));
  }
  if (is_new && made != nullptr)
    made->note_file(path);
  // The number only makes the message better: a full disk must not keep a service from its start.
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor, 0) == 0)
    static_cast<void>(::pwrite(descriptor, pid.data(), pid.size(), 0) == 0);
  return {};
}

}  // namespace

Result<SpoolLock> SpoolLock::take(const std::string& spool, const std::string& state, MadePlaces* made) {
  auto taken = take_spool(spool, made);
  if (!taken)
    return taken;
  if (auto both = taken->take_state(state, made); !both)
    return both.error();
  return taken;
}

Result<SpoolLock> SpoolLock::take_spool(const std::string& spool, MadePlaces* made) {
  SpoolLock taken;
  taken.spool_ = spool;
  const auto locked = lock(spool, taken.descriptors_[0], made);
  // Made before it was locked: who holds it now may have found it already.
  if (!locked && locked.error().code == Errc::denied && made != nullptr)
    made->keep();
  if (!locked)
    return locked.error();
  return taken;
}

Result<void> SpoolLock::take_state(const std::string& state, MadePlaces* made) {
  // One directory for both is one lock.
  return state == spool_ ? Result<void>{} : lock(state, descriptors_[1], made);
}

SpoolLock::SpoolLock(SpoolLock&& other) noexcept
    : spool_(std::move(other.spool_)), descriptors_(std::exchange(other.descriptors_, {-1, -1})) {}

SpoolLock::~SpoolLock() {
  for (const auto descriptor : descriptors_) {
    if (descriptor >= 0)
      ::close(descriptor);
  }
}

}  // namespace usherd
