#include "tests/loopback/transport/server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace usherd::test {
namespace {

// Longer than any test, shorter than patience: a test that is wrong ends.
constexpr timeval kPatience{30, 0};

sockaddr_in loopback(const char* address, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &name.sin_addr);
  return name;
}

int listen_on(const char* address, std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in name = loopback(address, port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
      ::listen(listener, 16) != 0) {
    throw std::runtime_error("listen");
  }
  return listener;
}

std::uint16_t port_of(int descriptor) {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size);
  return ntohs(name.sin_port);
}

}  // namespace

Peer::Peer(int descriptor, SSL_CTX* context) : descriptor_(descriptor) {
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (context != nullptr) {
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, descriptor_);
    open_ = SSL_accept(ssl_) == 1;
  }
}

Peer::~Peer() {
  if (ssl_ != nullptr) {
    if (open_ && descriptor_ >= 0) {
      SSL_shutdown(ssl_);
    }
    SSL_free(ssl_);
  }
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

long Peer::read_some(char* into, std::size_t size) {
  return ssl_ != nullptr ? SSL_read(ssl_, into, static_cast<int>(size)) : ::recv(descriptor_, into, size, 0);
}

std::string Peer::read_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t got = 0;
  while (got < count) {
    const long some = read_some(bytes.data() + got, count - got);
    if (some <= 0) {
      break;
    }
    got += static_cast<std::size_t>(some);
  }
  bytes.resize(got);
  return bytes;
}

std::string Peer::read_head() {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const std::string byte = read_bytes(1);
    if (byte.empty()) {
      return {};
    }
    head += byte;
  }
  return head;
}

std::string Peer::read_request() {
  const std::string head = read_head();
  const std::size_t at = head.find("Content-Length: ");
  if (at == std::string::npos) {
    return head;
  }
  const std::size_t length = std::stoul(head.substr(at + 16));
  const std::string body = read_bytes(length);
  return body.size() == length ? head + body : std::string();
}

bool Peer::write(std::string_view text) {
  while (!text.empty()) {
    const long put = ssl_ != nullptr ? SSL_write(ssl_, text.data(), static_cast<int>(text.size()))
                                     : ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
    if (put <= 0) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

void Peer::write_slowly(std::string_view text) {
  for (const char byte : text) {
    if (!write({&byte, 1})) {
      return;
    }
  }
}

void Peer::wait_for_close() {
  char bytes[4096];
  while (read_some(bytes, sizeof bytes) > 0) {
  }
}

void Peer::cut() {
  ::close(descriptor_);
  descriptor_ = -1;
}

void Peer::reset() {
  const linger now{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  cut();
}

Server::Server(SSL_CTX* context, Script script, const char* address, std::uint16_t port)
    : context_(context), script_(std::move(script)), listener_(listen_on(address, port)) {
  // OpenSSL's own sockets raise it when the client is gone.
  std::signal(SIGPIPE, SIG_IGN);
  port_ = port_of(listener_);
  thread_ = std::thread(&Server::accept_all, this);
}

Server::~Server() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  for (std::thread& peer : peers_) {
    peer.join();
  }
}

void Server::accept_all() {
  for (;;) {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) {
      return;
    }
    const unsigned number = accepted_++;
    peers_.emplace_back([this, descriptor, number] {
      Peer peer(descriptor, context_);
      if (peer.open()) {
        script_(peer, number);
      }
    });
  }
}

std::string answer(unsigned status, std::string_view body, std::string_view headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Whatever\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::uint16_t free_port() {
  const int listener = listen_on("127.0.0.1", 0);
  const std::uint16_t port = port_of(listener);
  ::close(listener);
  return port;
}

}  // namespace usherd::test
