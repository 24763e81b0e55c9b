#include "usherd/admin/admin_server.hpp"

#include "src/admin/admin_socket.hpp"
#include "src/admin/reply_head.hpp"
#include "src/admin/request_parser.hpp"
#include "usherd/core/url.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace usherd {

namespace asio = boost::asio;
using asio::as_tuple;
using asio::use_awaitable;
using Protocol = asio::generic::stream_protocol;

namespace {

constexpr std::size_t kReadPiece = std::size_t{16} << 10;
/// What a client may still send after the answer to a bad request, so that a reset does not take the answer
/// away from it.
constexpr std::size_t kMostLinger = std::size_t{256} << 10;
constexpr Milliseconds kLinger{1'000};

/// What one client's body takes of the bound for all, until it has its answer.
class BodyShare {
 public:
  BodyShare(std::size_t& taken, std::size_t most) : taken_(taken), most_(most) {}
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare() { give_back(); }

  /// False when that is more than is left.
  bool grow_to(std::size_t bytes) {
    if (bytes - mine_ > most_ - taken_)
      return false;
    taken_ += bytes - mine_;
    mine_ = bytes;
    return true;
  }
  void give_back() { taken_ -= std::exchange(mine_, 0); }

 private:
  std::size_t& taken_;
  std::size_t most_;
  std::size_t mine_ = 0;
};

}  // namespace

/// A connection and the time it has left: when that is up the socket is closed, and whoever waits on it sees
/// an error.
struct AdminServer::Client : std::enable_shared_from_this<Client> {
  explicit Client(Protocol::socket connection)
      : socket(std::move(connection)), deadline(socket.get_executor()) {}

  void within(Milliseconds time) {
    deadline.expires_after(time);
    deadline.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error)
        self->close();
    });
  }
  /// 0 when nothing more will come.
  asio::awaitable<std::size_t> read() {
    const auto [failure, count] =
        co_await socket.async_read_some(asio::buffer(piece), as_tuple(use_awaitable));
    co_return failure ? 0 : count;
  }
  asio::awaitable<bool> write(const std::string& bytes) {
    const auto [failure, count] =
        co_await asio::async_write(socket, asio::buffer(bytes), as_tuple(use_awaitable));
    co_return !failure;
  }
  void close() {
    boost::system::error_code ignored;
    socket.close(ignored);
    deadline.cancel();
  }

  Protocol::socket socket;
  asio::steady_timer deadline;
  std::array<char, kReadPiece> piece{};
  Peer peer;
  bool asking = true;
  bool taking = false;  ///< the answer, or the end of the connection
};

struct AdminServer::Door {
  explicit Door(const asio::any_io_executor& loop) : acceptor(loop), pause(loop) {}

  asio::basic_socket_acceptor<Protocol> acceptor;
  asio::steady_timer pause;
  HostRule hosts;
  std::string socket_path;  ///< empty for the port
  std::list<std::shared_ptr<Client>> clients;
};

AdminServer::AdminServer(asio::any_io_executor loop, TaskGroup& tasks, const Router& router, Log& log,
                         AdminLimits limits)
    : loop_(std::move(loop)), tasks_(tasks), router_(router), log_(log), limits_(limits) {}

AdminServer::~AdminServer() {
  stop();
}

void AdminServer::set_hosts(const HostRule& hosts) {
  for (const auto& door : doors_) {
    if (door->socket_path.empty())
      door->hosts = hosts;
  }
}

Result<std::uint16_t> AdminServer::open_port(const std::string& listen, HostRule hosts) {
  const auto what = fmt::format("admin.listen {}", listen);
  const auto colon = listen.rfind(':');
  Url url;
  // Port 0 is none to connect to, so parse_authority() refuses it.
  const bool any = listen.ends_with(":0");
  if (colon == std::string::npos || !parse_authority(any ? listen.substr(0, colon) : listen, url))
    return Error{Errc::invalid, fmt::format("{}: write it as 127.0.0.1:9786", what)};
  boost::system::error_code failure;
  const auto address = asio::ip::make_address(url.host, failure);
  if (failure)
    return Error{Errc::invalid, fmt::format("{}: {}", what, failure.message())};
  const asio::ip::tcp::endpoint endpoint(address, any ? 0 : url.port);
  asio::ip::tcp::acceptor acceptor(loop_);
  acceptor.open(endpoint.protocol(), failure);
  if (!failure)
    acceptor.set_option(asio::ip::tcp::acceptor::reuse_address(true), failure);
  if (!failure)
    acceptor.bind(endpoint, failure);
  if (!failure)
    acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (failure)
    return Error::system(failure.value(), what);
  const auto port = acceptor.local_endpoint().port();
  auto door = std::make_unique<Door>(loop_);
  door->hosts = std::move(hosts);
  door->acceptor.assign(Protocol(endpoint.protocol()), acceptor.release());
  doors_.push_back(std::move(door));
  tasks_.spawn(accept(*doors_.back()));
  return port;
}

Result<void> AdminServer::open_socket(const std::string& path) {
  const auto socket = listen_on_socket(path);
  if (!socket)
    return socket.error();
  auto door = std::make_unique<Door>(loop_);
  door->acceptor.assign(Protocol(asio::local::stream_protocol()), *socket);
  door->socket_path = path;
  doors_.push_back(std::move(door));
  tasks_.spawn(accept(*doors_.back()));
  return {};
}

void AdminServer::stop() {
  for (const auto& door : doors_) {
    if (!door->acceptor.is_open())
      continue;
    boost::system::error_code ignored;
    door->acceptor.close(ignored);
    if (!door->socket_path.empty())
      ::unlink(door->socket_path.c_str());
  }
}

std::size_t AdminServer::connections() const {
  std::size_t count = 0;
  for (const auto& door : doors_)
    count += door->clients.size();
  return count;
}

asio::awaitable<void> AdminServer::accept(Door& door) {
  while (door.acceptor.is_open()) {
    auto [failure, socket] = co_await door.acceptor.async_accept(as_tuple(use_awaitable));
    if (failure == asio::error::operation_aborted)
      co_return;
    if (!failure) {
      admit(door, std::make_shared<Client>(std::move(socket)));
      continue;
    }
    // Out of file descriptors, most likely: some time will free some.
    door.pause.expires_after(std::chrono::milliseconds(100));
    co_await door.pause.async_wait(as_tuple(use_awaitable));
  }
}

void AdminServer::admit(Door& door, std::shared_ptr<Client> client) {
  if (door.clients.size() >= limits_.connections) {
    auto slow = std::find_if(door.clients.begin(), door.clients.end(),
                             [](const auto& other) { return other->asking; });
    if (slow == door.clients.end())
      slow = std::find_if(door.clients.begin(), door.clients.end(),
                          [](const auto& other) { return other->taking; });
    if (slow == door.clients.end())
      return;  // closes the new one
    (*slow)->close();
    door.clients.erase(slow);
  }
  if (!door.socket_path.empty()) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(client->socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
      return;
    client->peer = Peer{true, credentials.uid, credentials.pid};
  }
  door.clients.push_back(client);
  tasks_.spawn(serve(door, std::move(client)));
}

asio::awaitable<void> AdminServer::serve(Door& door, std::shared_ptr<Client> client) {
  client->within(limits_.request);
  std::exception_ptr cancelled;
  try {
    co_await converse(door, *client);
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted)
      cancelled = std::current_exception();
    else
      log_.error("admin: an answer broke off: {}", error.what());
  } catch (const std::exception& error) {
    log_.error("admin: an answer broke off: {}", error.what());
  }
  client->close();
  std::erase(door.clients, client);
  if (cancelled)
    std::rethrow_exception(cancelled);
}

asio::awaitable<void> AdminServer::converse(Door& door, Client& client) {
  // Nothing acts through the port, so that no body is wanted there: strangers shall not make us hold any.
  RequestParser parser(client.peer.local ? RequestParser::kMostBody : 0);
  BodyShare share(bodies_, limits_.bodies);
  bool fits = true;
  auto state = RequestParser::State::more;
  while (state == RequestParser::State::more && fits) {
    const auto count = co_await client.read();
    if (count == 0)
      co_return;
    state = parser.put({client.piece.data(), count});
    fits = share.grow_to(parser.body_bytes());
  }
  client.asking = false;
  client.deadline.cancel();
  AdminReply reply = refusal_of(state);
  if (state == RequestParser::State::too_large && !client.peer.local) {
    reply = AdminReply::error(
        413, "the request is too large: here only GET and HEAD are answered, without a body");
  } else if (!fits) {
    reply = AdminReply::error(503, "too much is asked through the socket at once; try again in a moment");
  } else if (state == RequestParser::State::done) {
    auto request = parser.take();
    request.peer = client.peer;
    const bool allowed = client.peer.local || door.hosts.allows(parser.host()) ||
                         (parser.is_old_and_hostless() && HostRule::allows_without_host(request.path));
    if (!allowed)
      reply = AdminReply::error(421, "this Host is not answered here; admin.hosts lists those that are");
    else
      reply = co_await router_.answer(std::move(request));
  }
  const bool taken = co_await give(client, std::move(reply), parser.is_head());
  share.give_back();
  if (!taken)
    co_return;
  // Read on a little: closing with unread bytes would reset the connection, and the answer with it.
  client.within(kLinger);
  boost::system::error_code ignored;
  client.socket.shutdown(asio::socket_base::shutdown_send, ignored);
  for (std::size_t drained = 0; drained < kMostLinger;) {
    const auto count = co_await client.read();
    if (count == 0)
      co_return;
    drained += count;
  }
}

asio::awaitable<bool> AdminServer::give(Client& client, AdminReply reply, bool head_only) {
  const bool whole = head_only || !reply.next;
  auto bytes = reply_head(reply);
  if (!head_only)
    bytes += reply.next ? chunk_of(reply.body) : reply.body;
  while (true) {
    client.within(limits_.reply);
    client.taking = true;
    const bool written = co_await client.write(bytes);
    client.deadline.cancel();
    if (!written || whole || bytes == kLastChunk)
      co_return written;
    client.taking = false;
    const auto next = co_await reply.next();
    bytes = next.empty() ? std::string(kLastChunk) : chunk_of(next);
  }
}

}  // namespace usherd
