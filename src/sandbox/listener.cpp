#include "src/sandbox/listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

namespace usherd::sandbox {

namespace asio = boost::asio;
using asio::as_tuple;
using tcp = asio::ip::tcp;

Listener::Listener(const asio::any_io_executor& executor, Serve serve)
    : acceptor_(executor), serve_(std::move(serve)), accepts_(executor), connections_(executor) {}

Result<void> Listener::open(std::uint16_t port) {
  boost::system::error_code failure;
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  acceptor_.open(endpoint.protocol(), failure);
  if (!failure)
    acceptor_.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure)
    acceptor_.bind(endpoint, failure);
  if (!failure)
    acceptor_.listen(asio::socket_base::max_listen_connections, failure);
  if (failure) {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    return Error::system(failure.value(), fmt::format("listening on 127.0.0.1:{}", port));
  }
  port_ = acceptor_.local_endpoint().port();
  accepts_.spawn(accept());
  return {};
}

void Listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  connections_.cancel_all();
}

asio::awaitable<void> Listener::accept() {
  asio::steady_timer pause(acceptor_.get_executor());
  while (acceptor_.is_open()) {
    auto [failure, socket] = co_await acceptor_.async_accept(as_tuple(asio::use_awaitable));
    if (failure == asio::error::operation_aborted)
      co_return;
    if (!failure) {
      connections_.spawn(serve_(std::move(socket)));
      continue;
    }
    // Out of file descriptors, most likely: some time will free some.
    pause.expires_after(std::chrono::milliseconds(100));
    co_await pause.async_wait(as_tuple(asio::use_awaitable));
  }
}

}  // namespace usherd::sandbox
