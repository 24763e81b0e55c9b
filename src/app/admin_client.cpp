#include "usherd/app/admin_client.hpp"

#include "src/app/plain_answer.hpp"
#include "usherd/submit/api_json.hpp"

#include <boost/json/value.hpp>

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace usherd {
namespace {

constexpr std::size_t kMostBody = 64U << 20;
constexpr std::size_t kMostErrorJson = 64U << 10;

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

void set_patience(int fd, Milliseconds patience) {
  timeval time{};
  time.tv_sec = patience.count() / 1000;
  time.tv_usec = patience.count() % 1000 * 1000;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/// With a time limit a call is not taken up again by itself after the process was stopped (Ctrl-Z) and goes
/// on. Its time begins anew then.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = uninterrupted([&] { return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
    if (count <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

std::string AdminAnswer::error() const {
  const auto value = parse_json(body, kMostErrorJson, 8);
  const auto* object = value && value->is_object() ? &value->get_object() : nullptr;
  if (const auto text = find_string(object, "error"))
    return std::string(*text);
  return fmt::format("the service answered {}", status);
}

Error AdminClient::unreachable(int failure) const {
  if (failure == EACCES)
    return Error{Errc::denied,
                 fmt::format("{} is not yours to use: be root, or a member of the group usherd", path_)};
  if (failure == EAGAIN || failure == EWOULDBLOCK || failure == EINPROGRESS)
    return Error{
        Errc::unavailable,
        fmt::format("the service does not answer on {}; 'systemctl status usherd' says more", path_)};
  return Error{
      Errc::unavailable,
      fmt::format("no service answers on {} ({}); is it running? 'systemctl status usherd' says; the path "
                  "is admin.socket of the configuration",
                  path_, std::strerror(failure))};
}

Result<AdminAnswer> AdminClient::get(std::string_view target) {
  return ask("GET", target, {}, nullptr);
}

Result<AdminAnswer> AdminClient::post(std::string_view target, std::string_view body) {
  return ask("POST", target, body, nullptr);
}

Result<AdminAnswer> AdminClient::stream(std::string_view target, const Piece& piece) {
  return ask("GET", target, {}, piece);
}

Result<AdminAnswer> AdminClient::ask(std::string_view method, std::string_view target, std::string_view body,
                                     const Piece& piece) {
  unanswered_ = false;
  const Connection connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connection.get() < 0)
    return unreachable(errno);
  set_patience(connection.get(), patience_);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  const auto connect = [&] {
    return ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  };
  if (uninterrupted(connect) != 0)
    return unreachable(errno);
  const auto head = fmt::format("{} {} HTTP/1.1\r\nHost: usherd\r\nContent-Length: {}\r\n\r\n", method,
                                target, body.size());
  // What cannot be sent may still have been answered: too large, for instance.
  const bool sent = send_all(connection.get(), head) && send_all(connection.get(), body);
  PlainAnswer reading;
  AdminAnswer answer;
  std::array<char, 65536> bytes{};
  while (true) {
    const auto count = uninterrupted([&] { return ::recv(connection.get(), bytes.data(), bytes.size(), 0); });
    if (count < 0) {
      unanswered_ = sent;
      return unreachable(errno);
    }
    if (count == 0)
      break;
    if (!reading.put({bytes.data(), static_cast<std::size_t>(count)}))
      return Error{Errc::unavailable, fmt::format("what answers on {} is no usherd", path_)};
    answer.status = reading.status();
    auto part = reading.take();
    if (!piece || answer.status != 200)
      answer.body += part;
    else if (!part.empty() && !piece(part))
      return answer;
    if (answer.body.size() > kMostBody)
      return Error{Errc::unavailable, "the answer is too large"};
  }
  if (!sent && answer.status == 0)
    return unreachable(EPIPE);
  if (!reading.is_whole()) {
    unanswered_ = sent;
    return Error{Errc::unavailable,
                 "the service broke its answer off: it was stopped, or found a fault meanwhile"};
  }
  return answer;
}

}  // namespace usherd
