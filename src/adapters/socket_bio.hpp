#pragma once

#include <openssl/bio.h>

#include <cstdint>

namespace usherd {

/// A non-blocking socket as OpenSSL sees it, with what OpenSSL's own socket BIO lacks: no SIGPIPE, a count of
/// the bytes the kernel took, and a broken write that does not keep TLS from reading an answer which is there
/// already. Does not own the descriptor; must outlive the SSL object that uses its BIO.
struct SocketIo {
  int descriptor = -1;
  std::uint64_t sent = 0;
  int write_error = 0;  ///< errno of the write that failed for good
  int read_error = 0;
  bool ended = false;  ///< the other side closed its half
  bool more = false;   ///< another write follows at once: the kernel may wait for it to fill a segment

  /// As send and recv: the number of bytes, or -1 with errno. Interruptions are retried.
  long send(const char* data, std::size_t size);
  long receive(char* data, std::size_t size, bool only_look);
  /// The connection was reset, and of the bytes that the kernel took some never left this machine.
  [[nodiscard]] bool lost_bytes() const;
};

/// A new BIO over `io`; the caller, usually an SSL object, owns it. Null when memory is short.
[[nodiscard]] BIO* make_socket_bio(SocketIo& io);

}  // namespace usherd
