#include "tests/loopback/admin/bench.hpp"

#include <boost/asio/co_spawn.hpp>

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace usherd::tests {
namespace {

template <class Address>
int connect_to(int family, const Address& address) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  return fd;
}

}  // namespace

RawClient::RawClient(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = connect_to(AF_INET, address);
  set_patience();
}

RawClient::RawClient(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  fd_ = connect_to(AF_UNIX, address);
  set_patience();
}

RawClient::RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

RawClient::~RawClient() {
  if (fd_ >= 0)
    ::close(fd_);
}

void RawClient::set_patience() {
  const timeval patience{60, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string RawClient::read_some() {
  std::array<char, 65536> piece{};
  const auto count = ::recv(fd_, piece.data(), piece.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    throw std::runtime_error("the server neither answers nor closes");
  return count <= 0 ? std::string() : std::string(piece.data(), static_cast<std::size_t>(count));
}

std::string RawClient::read_all() {
  std::string all;
  for (auto piece = read_some(); !piece.empty(); piece = read_some())
    all += piece;
  return all;
}

ServerBench::ServerBench(AdminLimits limits, const std::function<void(Router&)>& routes) {
  routes(router_);
  server_ = std::make_unique<AdminServer>(loop_.get_executor(), tasks_, router_, *log_, limits);
  const auto port = server_->open_port("127.0.0.1:0", HostRule({"status.example.com"}));
  REQUIRE(port.has_value());
  port_ = *port;
  const auto opened = server_->open_socket(socket_path());
  REQUIRE(opened.has_value());
  thread_ = std::thread([this] { loop_.run(); });
}

ServerBench::~ServerBench() {
  boost::asio::post(loop_, [this] {
    server_->stop();
    tasks_.cancel();
  });
  thread_.join();
  server_.reset();
}

std::size_t ServerBench::connections() {
  return on_loop([this] { return server_->connections(); });
}

std::string ServerBench::get(const std::string& target, const std::string& host) {
  RawClient client(port_);
  client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  return client.read_all();
}

std::string ServerBench::get_local(const std::string& target) {
  RawClient client(socket_path());
  client.send("GET " + target + " HTTP/1.1\r\nHost: usherd\r\n\r\n");
  return client.read_all();
}

std::string ServerBench::post_local(const std::string& target, const std::string& body) {
  RawClient client(socket_path());
  client.send("POST " + target + " HTTP/1.1\r\nHost: usherd\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  return client.read_all();
}

}  // namespace usherd::tests
