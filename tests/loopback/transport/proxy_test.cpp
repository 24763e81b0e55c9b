#include "tests/loopback/transport/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string_view>
#include <thread>

using namespace usherd;
using namespace usherd::test;

namespace {

using boost::asio::ip::tcp;

void copy(tcp::socket& from, tcp::socket& to) {
  char bytes[4096];
  boost::system::error_code error;
  for (;;) {
    const std::size_t got = from.read_some(boost::asio::buffer(bytes), error);
    if (error) {
      break;
    }
    boost::asio::write(to, boost::asio::buffer(bytes, got), error);
  }
  to.shutdown(tcp::socket::shutdown_send, error);
}

/// Takes one connection, answers its CONNECT as told, and for a 200 carries bytes to `target`.
class Proxy {
 public:
  Proxy(std::string reply, std::uint16_t target)
      : acceptor_(loop_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        thread_([this, reply = std::move(reply), target] { serve(reply, target); }) {}
  ~Proxy() { thread_.join(); }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string request;

 private:
  void serve(const std::string& reply, std::uint16_t target) {
    tcp::socket client = acceptor_.accept();
    char byte = 0;
    while (!request.ends_with("\r\n\r\n") && client.read_some(boost::asio::buffer(&byte, 1)) == 1) {
      request += byte;
    }
    boost::asio::write(client, boost::asio::buffer(reply));
    if (target == 0) {
      return;
    }
    tcp::socket server(loop_);
    server.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), target));
    std::thread back([&] { copy(server, client); });
    copy(client, server);
    back.join();
  }

  boost::asio::io_context loop_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

void answer_all(Peer& peer, unsigned) {
  while (!peer.read_request().empty()) {
    peer.write(answer(200, "through"));
  }
}

HttpsOptions options_through(const Proxy& proxy, std::uint16_t port, std::string_view credentials) {
  HttpsOptions options = Client::options(port);
  options.proxy = ProxyAddress{"127.0.0.1", proxy.port(), std::make_shared<const Secret>(credentials)};
  return options;
}

}  // namespace

TEST_CASE("A proxy is asked for a tunnel, with its own credentials where there are some") {
  for (const std::string credentials : {"", "user:pass word"}) {
    Server server(good_context(), answer_all);
    const std::string host = "localhost:" + std::to_string(server.port());
    Proxy proxy("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", server.port());
    {
      Client client(options_through(proxy, server.port(), credentials));
      for (int i = 0; i < 2; ++i) {
        const Exchange exchange = client.get();
        CHECK_FALSE(exchange.failure.has_value());
        CHECK(exchange.body == "through");
      }
    }
    const std::string extra =
        credentials.empty() ? "" : "Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n";
    CHECK(proxy.request ==
          "CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: usherd\r\n" + extra + "\r\n");
  }
}

TEST_CASE("A proxy that refuses is named with its answer, without the credentials") {
  struct Row {
    const char* reply;
    const char* why;
  };
  const Row rows[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
       "answered 407: the proxy credentials are missing or wrong"},
      {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nsorry", "answered 502 to CONNECT"},
      {"HTTP/1.1 200 OK\r\n\r\nunasked", "answered 200 to CONNECT"},
      {"HTTP/1.1 200 OK\r\n", "closed in the middle of the answer"},
      {"", "closed without an answer"},
      {"garbage", "the answer is not HTTP: no status line"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.reply);
    Proxy proxy(row.reply, 0);
    Client client(options_through(proxy, 443, "user:secret"));
    const Exchange exchange = client.get();
    REQUIRE(exchange.failure.has_value());
    CHECK(exchange.failure->message ==
          "proxy 127.0.0.1:" + std::to_string(proxy.port()) + ": " + std::string(row.why));
    CHECK(exchange.progress == Progress::nothing);
  }
}

TEST_CASE("A proxy that cannot be reached is named as the proxy") {
  HttpsOptions options = Client::options(443);
  options.addresses.clear();
  boost::asio::io_context loop;
  // Bound and not listening: refused, and nobody else's.
  tcp::acceptor taken(loop);
  taken.open(tcp::v4());
  taken.bind(tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const auto port = taken.local_endpoint().port();
  options.proxy = ProxyAddress{"127.0.0.1", port};
  CHECK(Client(options).get().failure->message ==
        "proxy 127.0.0.1:" + std::to_string(port) + ": Connection refused");
  // No name at all: nobody is asked for it.
  const std::string unnamed(64, 'a');
  options.proxy = ProxyAddress{unnamed, 3128};
  CHECK(Client(options).get().failure->message.starts_with("proxy " + unnamed + ":3128: resolve " + unnamed +
                                                           ": "));
}
