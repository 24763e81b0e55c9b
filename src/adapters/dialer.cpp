#include "src/adapters/dialer.hpp"

#include "src/adapters/answer_parser.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>

namespace usherd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

// A getaddrinfo that runs cannot be stopped: the coroutine waits on a timer instead, and an answer that comes
// too late finds nobody. One thread runs them all, so one that nobody waits for any more must not have its
// turn. Kept alive by the resolver's handler.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor)
      : resolver(executor), done(executor, asio::steady_timer::time_point::max()) {}
  tcp::resolver resolver;
  asio::steady_timer done;
  boost::system::error_code error;
  Endpoints found;
};

std::shared_ptr<Lookup> start_lookup(const asio::any_io_executor& executor, const std::string& host,
                                     std::uint16_t port) {
  auto lookup = std::make_shared<Lookup>(executor);
  lookup->resolver.async_resolve(host, std::to_string(port), tcp::resolver::numeric_service,
                                 [lookup](boost::system::error_code error, const auto& results) {
                                   lookup->error = error;
                                   for (const auto& result : results) {
                                     lookup->found.push_back(result.endpoint());
                                   }
                                   lookup->done.cancel();
                                 });
  return lookup;
}

asio::awaitable<Result<Endpoints>> look_up(asio::any_io_executor executor, const std::string& host,
                                           std::uint16_t port, Deadline& deadline) {
  boost::system::error_code not_literal;
  const asio::ip::address literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    co_return Endpoints(1, tcp::endpoint(literal, port));
  }
  const std::shared_ptr<Lookup> lookup = start_lookup(executor, host, port);
  deadline.before([lookup] {
    lookup->resolver.cancel();
    lookup->done.cancel();
  });
  co_await lookup->done.async_wait(asio::as_tuple(asio::use_awaitable));
  if (std::optional<Error> ended = co_await deadline.after()) {
    co_return ended->within(fmt::format("resolve {}", host));
  }
  if (lookup->error || lookup->found.empty()) {
    const std::string why = lookup->error ? lookup->error.message() : "no address";
    co_return Error{Errc::unavailable, fmt::format("resolve {}: {}", host, why)};
  }
  co_return std::move(lookup->found);
}

asio::awaitable<Result<tcp::socket>> connect_one(asio::any_io_executor executor, tcp::endpoint endpoint,
                                                 Deadline& deadline) {
  if (std::optional<Error> ended = co_await deadline.after(); ended && ended->code == Errc::cancelled) {
    co_return *ended;
  }
  tcp::socket socket(executor);
  boost::system::error_code error;
  socket.open(endpoint.protocol(), error);
  if (error) {
    co_return Error{Errc::unavailable, error.message()};
  }
  deadline.before([&socket] {
    boost::system::error_code ignored;
    socket.cancel(ignored);
  });
  const auto [connected] = co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
  if (std::optional<Error> ended = co_await deadline.after()) {
    co_return *ended;
  }
  if (connected) {
    co_return Error{Errc::unavailable, connected.message()};
  }
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  co_return socket;
}

// Each address gets an even part of the time that is left, the last one all of it.
asio::awaitable<Result<tcp::socket>> connect_any(asio::any_io_executor executor, const Endpoints& endpoints,
                                                 Deadline::Time due, Deadline& deadline) {
  Error last{Errc::unavailable, "no address"};
  for (std::size_t tried = 0; tried < endpoints.size(); ++tried) {
    const Deadline::Time now = Deadline::Clock::now();
    if (now >= due) {
      co_return Error{Errc::timeout, "timed out"};
    }
    deadline.set(now + (due - now) / static_cast<long>(endpoints.size() - tried));
    Result<tcp::socket> socket = co_await connect_one(executor, endpoints[tried], deadline);
    if (socket || socket.error().code == Errc::cancelled) {
      co_return std::move(socket);
    }
    last = socket.error();
  }
  co_return last;
}

Result<void> judge_proxy(unsigned status, bool clean) {
  if (status == 407) {
    return Error{Errc::unavailable, "answered 407: the proxy credentials are missing or wrong"};
  }
  if (status / 100 != 2 || !clean) {
    return Error{Errc::unavailable, fmt::format("answered {} to CONNECT", status)};
  }
  return {};
}

asio::awaitable<Result<void>> open_tunnel(Wire& wire, const HttpsSettings& settings) {
  const std::string request = write_connect(settings);
  std::span<const char> rest(request);
  while (!rest.empty()) {
    const Result<std::size_t> put = co_await wire.write_some(rest);
    if (!put) {
      co_return put.error();
    }
    if (*put == 0) {
      break;
    }
    rest = rest.subspan(*put);
  }
  AnswerParser answer = AnswerParser::header_only();
  std::array<char, 2048> buffer;
  while (!answer.done()) {
    const Result<std::size_t> got = co_await wire.read_some(buffer);
    if (!got) {
      co_return got.error();
    }
    const Result<void> fed = *got == 0 ? answer.finish() : answer.feed(std::string_view(buffer.data(), *got));
    if (!fed) {
      co_return fed.error();
    }
  }
  // TLS begins with the client: bytes behind the header would be nobody's.
  co_return judge_proxy(answer.status(), !answer.has_more());
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<Wire>>> dial(asio::any_io_executor executor,
                                                    const HttpsSettings& settings, Deadline& deadline) {
  const HttpsOptions& options = settings.options;
  const Deadline::Time due = Deadline::Clock::now() + options.connect_timeout;
  Url next = options.base;
  if (options.proxy) {
    next.host = options.proxy->host;
    next.port = options.proxy->port;
  }
  deadline.set(due);
  Result<Endpoints> endpoints = Endpoints();
  for (const asio::ip::address& address : settings.addresses) {
    endpoints->emplace_back(address, next.port);
  }
  if (endpoints->empty()) {
    endpoints = co_await look_up(executor, next.host, next.port, deadline);
  }
  const std::string proxy = fmt::format("proxy {}", next.host_port());
  if (!endpoints) {
    co_return options.proxy ? endpoints.error().within(proxy) : endpoints.error();
  }
  Result<tcp::socket> socket = co_await connect_any(executor, *endpoints, due, deadline);
  if (!socket) {
    co_return socket.error().within(options.proxy ? proxy : fmt::format("connect {}", next.host_port()));
  }
  deadline.set(due);
  auto wire = std::make_unique<Wire>(std::move(*socket), deadline);
  if (options.proxy) {
    const Result<void> tunnel = co_await open_tunnel(*wire, settings);
    if (!tunnel) {
      co_return tunnel.error().within(proxy);
    }
  }
  if (settings.tls) {
    const Result<void> secured = co_await wire->start_tls(*settings.tls, options.base.host);
    if (!secured) {
      co_return secured.error().within(fmt::format("TLS handshake with {}", options.base.host_port()));
    }
  }
  co_return std::move(wire);
}

}  // namespace usherd
