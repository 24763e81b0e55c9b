#include "src/admin/admin_socket.hpp"

#include <fmt/format.h>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

namespace usherd {
namespace {

constexpr int kBacklog = 64;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

std::string_view kind_of(const struct stat& status) {
  if (S_ISDIR(status.st_mode))
    return "a directory";
  return S_ISREG(status.st_mode) ? "a file" : "something that is no socket";
}

bool somebody_answers(const std::string& path) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto address = address_of(path);
  const int done = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return done == 0 || errno == EAGAIN;
}

}  // namespace

Result<int> listen_on_socket(const std::string& path) {
  const auto what = fmt::format("admin.socket {}", path);
  if (path.size() + 4 >= sizeof sockaddr_un{}.sun_path)
    return Error{Errc::invalid, fmt::format("{}: the path is too long for a socket", what)};
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode))
    return Error{Errc::exists, fmt::format("{} names {}: give it another path", what, kind_of(status))};
  if (somebody_answers(path))
    return Error{Errc::exists, fmt::format("{}: another program answers there", what)};
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0)
    return Error::system(errno, what);
  // Made aside and moved into place, so that nobody finds it with a wrong mode.
  const auto aside = path + ".new";
  ::unlink(aside.c_str());
  const auto address = address_of(aside);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Error::system(errno, what);
  // The service runs in that group; this matters when root drains by hand.
  if (const auto* group = ::getgrnam("usherd"); group != nullptr && ::getegid() != group->gr_gid) {
    if (::chown(aside.c_str(), static_cast<uid_t>(-1), group->gr_gid) != 0) {
      // Then it stays with the group of who started this.
    }
  }
  if (::chmod(aside.c_str(), 0660) != 0 || ::listen(socket.get(), kBacklog) != 0 ||
      std::rename(aside.c_str(), path.c_str()) != 0) {
    const int failure = errno;
    ::unlink(aside.c_str());
    return Error::system(failure, what);
  }
  return socket.release();
}

}  // namespace usherd
