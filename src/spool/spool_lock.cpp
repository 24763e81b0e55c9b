#include "usherd/spool/spool_lock.hpp"

#include "usherd/spool/folders.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
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

Result<void> lock(const std::string& directory, int& descriptor) {
  const auto path = directory + "/.usherd-lock";
  descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    const auto error = call_error(directory, errno, fmt::format("open {}", path));
    // Denied would mean that somebody holds it.
    return Error{error.code == Errc::no_space ? Errc::no_space : Errc::io, error.message};
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return held(descriptor, directory);
    return Error::system(errno, fmt::format("lock {}", path));
  }
  // The number only makes the message better: a full disk must not keep a service from its start.
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor, 0) == 0)
    static_cast<void>(::pwrite(descriptor, pid.data(), pid.size(), 0) == 0);
  return {};
}

}  // namespace

Result<SpoolLock> SpoolLock::take(const std::string& spool, const std::string& state) {
  SpoolLock taken;
  const auto first = lock(spool, taken.descriptors_[0]);
  if (!first)
    return first.error();
  // One directory for both is one lock.
  if (spool != state) {
    const auto second = lock(state, taken.descriptors_[1]);
    if (!second)
      return second.error();
  }
  return taken;
}

SpoolLock::SpoolLock(SpoolLock&& other) noexcept
    : descriptors_(std::exchange(other.descriptors_, {-1, -1})) {}

SpoolLock::~SpoolLock() {
  for (const auto descriptor : descriptors_) {
    if (descriptor >= 0)
      ::close(descriptor);
  }
}

}  // namespace usherd
