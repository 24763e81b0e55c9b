#include "src/adapters/socket_bio.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace usherd {
namespace {

/// TCP_CLOSE, which the kernel's own header does not name. The C library's lacks the counts.
constexpr unsigned kClosed = 7;

bool would_block(int number) {
  return number == EAGAIN || number == EWOULDBLOCK;
}

SocketIo& io_of(BIO* bio) {
  return *static_cast<SocketIo*>(BIO_get_data(bio));
}

int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  SocketIo& io = io_of(bio);
  BIO_clear_retry_flags(bio);
  const long put = io.send(data, size);
  if (put > 0) {
    *written = static_cast<std::size_t>(put);
    return 1;
  }
  // Also a broken write says "later": an error here would end the TLS state, and with it the reading.
  BIO_set_retry_write(bio);
  return 0;
}

int bio_read(BIO* bio, char* data, std::size_t size, std::size_t* got) {
  SocketIo& io = io_of(bio);
  BIO_clear_retry_flags(bio);
  const long count = io.receive(data, size, false);
  if (count > 0) {
    *got = static_cast<std::size_t>(count);
    return 1;
  }
  if (count < 0 && io.read_error == 0) {
    BIO_set_retry_read(bio);
  }
  return 0;
}

long bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return io_of(bio).ended ? 1 : 0;
    default:
      return 0;
  }
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const kMethod = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "usherd socket");
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return kMethod;
}

}  // namespace

long SocketIo::send(const char* data, std::size_t size) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
  for (;;) {
    const ssize_t put = ::send(descriptor, data, size, flags);
    if (put >= 0) {
      sent += static_cast<std::uint64_t>(put);
      return put;
    }
    if (errno == EINTR) {
      continue;
    }
    if (!would_block(errno)) {
      write_error = errno;
    }
    return -1;
  }
}

long SocketIo::receive(char* data, std::size_t size, bool only_look) {
  for (;;) {
    const ssize_t got = ::recv(descriptor, data, size, MSG_DONTWAIT | (only_look ? MSG_PEEK : 0));
    if (got >= 0) {
      ended = got == 0 && size > 0;
      return got;
    }
    if (errno == EINTR) {
      continue;
    }
    if (!would_block(errno)) {
      read_error = errno;
    }
    return -1;
  }
}

bool SocketIo::lost_bytes() const {
  ::tcp_info info{};
  socklen_t size = sizeof info;
  // Where the connection still stands, or was closed by us alone, the kernel goes on sending.
  return ::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == kClosed &&
         info.tcpi_bytes_sent - info.tcpi_bytes_retrans < sent;
}

BIO* make_socket_bio(SocketIo& io) {
  BIO* bio = BIO_new(method());
  if (bio != nullptr) {
    BIO_set_data(bio, &io);
    BIO_set_init(bio, 1);
  }
  return bio;
}

}  // namespace usherd
