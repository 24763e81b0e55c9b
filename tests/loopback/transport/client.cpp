#include "tests/loopback/transport/client.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>

namespace usherd::test {

namespace asio = boost::asio;

const Authority& authority() {
  static const Authority made;
  return made;
}

SSL_CTX* good_context() {
  static const ContextPtr made = authority().server("DNS:localhost,IP:127.0.0.1");
  return made.get();
}

asio::awaitable<Result<std::span<const char>>> Letters::next() {
  if (given() >= fail_at_) {
    co_return Error{Errc::corrupt, "the file changed"};
  }
  if (given() >= end_at_) {
    co_return std::span<const char>();
  }
  const std::size_t size = std::min<std::uint64_t>(piece_.size(), left_);
  left_ -= size;
  co_return std::span<const char>(piece_.data(), size);
}

HttpsOptions Client::options(std::uint16_t port, bool tls) {
  HttpsOptions made;
  made.base.tls = tls;
  made.base.host = "localhost";
  made.base.port = port;
  made.ca_file = authority().file();
  made.addresses = {"127.0.0.1"};
  made.connect_timeout = Milliseconds(20'000);
  made.request_timeout = Milliseconds(20'000);
  return made;
}

Client::Client(HttpsOptions options) {
  transport = HttpsTransport::make(loop.get_executor(), std::move(options)).value();
  connection = transport->connection();
}

Exchange Client::run(Request request) {
  Exchange result;
  auto keep = [&result](std::exception_ptr thrown, Exchange exchange) {
    if (thrown) {
      std::rethrow_exception(thrown);
    }
    result = std::move(exchange);
  };
  asio::co_spawn(loop, connection->exchange(std::move(request)), keep);
  loop.restart();
  loop.run();
  return result;
}

}  // namespace usherd::test
