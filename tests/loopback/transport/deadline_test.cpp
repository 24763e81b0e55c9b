#include "tests/loopback/transport/client.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <future>
#include <thread>

using namespace usherd;
using namespace usherd::test;

namespace {

constexpr Milliseconds kSoon{60};
// Where something must still happen in time, also on a busy machine.
constexpr Milliseconds kSoonEnough{400};

void answer_all(Peer& peer, unsigned) {
  while (!peer.read_request().empty()) {
    peer.write(answer(200, "ok"));
  }
}

}  // namespace

TEST_CASE("A server that reads and never answers ends in a timeout") {
  Server server(good_context(), [](Peer& peer, unsigned) { peer.wait_for_close(); });
  HttpsOptions options = Client::options(server.port());
  options.request_timeout = kSoon;
  Client client(options);
  Letters body(100'000);
  const Exchange exchange = client.post(body);
  REQUIRE(exchange.failure.has_value());
  CHECK(exchange.failure->code == Errc::timeout);
  CHECK(exchange.failure->message == "answer of localhost:" + std::to_string(server.port()) + ": timed out");
  CHECK(exchange.progress == Progress::body_written);
  CHECK_FALSE(client.connection->is_open());
}

TEST_CASE("A server that stops reading ends in a timeout, with the body begun") {
  for (const bool tls : {true, false}) {
    std::promise<void> finish;
    std::future<void> finished = finish.get_future();
    Server server(tls ? good_context() : nullptr, [&](Peer&, unsigned) { finished.wait(); });
    HttpsOptions options = Client::options(server.port(), tls);
    options.request_timeout = kSoon;
    Client client(options);
    Letters body(100'000'000);
    const Exchange exchange = client.post(body);
    REQUIRE(exchange.failure.has_value());
    CHECK(exchange.failure->code == Errc::timeout);
    CHECK(exchange.failure->message.find("send to localhost") == 0);
    CHECK(exchange.progress == Progress::body_started);
    finish.set_value();
  }
}

TEST_CASE("A server that drips its answer is cut off however steadily it drips") {
  Server server(good_context(), [](Peer& peer, unsigned) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    while (peer.write("x")) {
    }
  });
  HttpsOptions options = Client::options(server.port());
  options.request_timeout = kSoonEnough;
  Client client(options);
  Request request{Method::get, "/", {}, nullptr, 1'000'000'000};
  const Exchange exchange = client.run(request);
  REQUIRE(exchange.failure.has_value());
  CHECK(exchange.failure->code == Errc::timeout);
  CHECK(exchange.progress == Progress::answer_started);
}

TEST_CASE("A handshake that never comes, and an address that never answers, end in a timeout") {
  const int deaf = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(deaf, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  REQUIRE(::listen(deaf, 0) == 0);
  socklen_t size = sizeof name;
  REQUIRE(::getsockname(deaf, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  HttpsOptions options = Client::options(ntohs(name.sin_port));
  options.connect_timeout = kSoon;
  Client first(options);
  const Exchange handshake = first.get();
  REQUIRE(handshake.failure.has_value());
  CHECK(handshake.failure->code == Errc::timeout);
  CHECK(handshake.failure->message.find("TLS handshake with localhost") == 0);
  CHECK(handshake.progress == Progress::nothing);

  // The first connection still fills the queue of the deaf one: the kernel drops further attempts.
  Client second(options);
  const Exchange connect = second.get();
  REQUIRE(connect.failure.has_value());
  CHECK(connect.failure->code == Errc::timeout);
  CHECK(connect.failure->message.find("connect localhost") == 0);

  SUBCASE("but an address that works has its share of the time") {
    Server server(good_context(), answer_all, "127.0.0.2", ntohs(name.sin_port));
    options.connect_timeout = Milliseconds(400);
    options.addresses = {"127.0.0.1", "127.0.0.2"};
    Client third(options);
    CHECK(third.get().status == 200);
  }
  ::close(deaf);
}

TEST_CASE("Who only connects can be stopped by itself, who has sent its request goes on") {
  for (const bool answers : {false, true}) {
    CAPTURE(answers);
    std::atomic<bool> asked = false;
    std::atomic<bool> may_answer = false;
    Server server(good_context(), [&](Peer& peer, unsigned) {
      asked = !peer.read_request().empty();
      while (asked && !may_answer)
        std::this_thread::yield();
      peer.write(answer(200, "late"));
    });
    const int deaf = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    REQUIRE(::bind(deaf, reinterpret_cast<sockaddr*>(&name), size) == 0);
    REQUIRE(::listen(deaf, 1) == 0);
    REQUIRE(::getsockname(deaf, reinterpret_cast<sockaddr*>(&name), &size) == 0);
    Client client(Client::options(answers ? server.port() : ntohs(name.sin_port)));
    Exchange exchange;
    boost::asio::co_spawn(client.loop, client.connection->exchange({Method::get, "/", {}, nullptr}),
                          [&](const std::exception_ptr&, Exchange ended) { exchange = std::move(ended); });
    do
      client.loop.poll();
    while (answers && !asked);
    client.connection->stop_dialling();
    may_answer = true;
    client.loop.run();
    CHECK(exchange.failure.has_value() == !answers);
    if (exchange.failure)
      CHECK(exchange.failure->code == Errc::cancelled);
    CHECK(exchange.status == (answers ? 200 : 0));
    CHECK(exchange.progress == (answers ? Progress::answer_started : Progress::nothing));
    ::close(deaf);
  }
}

TEST_CASE("Time that the body's source takes is not counted") {
  struct SlowLetters final : BodySource {
    explicit SlowLetters(boost::asio::any_io_executor loop) : timer(loop) {}
    [[nodiscard]] std::uint64_t length() const override { return letters.length(); }
    boost::asio::awaitable<Result<std::span<const char>>> next() override {
      timer.expires_after(kSoonEnough + kSoon);
      co_await timer.async_wait(boost::asio::use_awaitable);
      co_return co_await letters.next();
    }
    boost::asio::steady_timer timer;
    Letters letters{1000};
  };
  Server server(good_context(), answer_all);
  HttpsOptions options = Client::options(server.port());
  options.request_timeout = kSoonEnough;
  Client client(options);
  SlowLetters body(client.loop.get_executor());
  CHECK(client.post(body).status == 200);
  client.connection.reset();
}

TEST_CASE("A cancelled exchange closes its connection and says that it was cancelled") {
  enum class How { total, terminal, close };
  for (const How how : {How::total, How::terminal, How::close}) {
    for (const bool answering : {false, true}) {
      CAPTURE(answering);
      std::promise<void> got;
      Server server(good_context(), [&](Peer& peer, unsigned) {
        if (!answering) {
          got.set_value();
          peer.wait_for_close();
          return;
        }
        peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\n");
        got.set_value();
        peer.wait_for_close();
      });
      Client client(Client::options(server.port()));
      Letters body(answering ? 1000 : 1'000'000'000);
      boost::asio::cancellation_signal signal;
      Exchange result;
      bool ended = false;
      auto keep = [&](std::exception_ptr thrown, Exchange exchange) {
        CHECK_FALSE(thrown);
        result = std::move(exchange);
        ended = true;
      };
      Request request{Method::post, "/", {}, &body};
      boost::asio::co_spawn(client.loop, client.connection->exchange(request),
                            boost::asio::bind_cancellation_slot(signal.slot(), keep));
      std::future<void> reached = got.get_future();
      while (reached.wait_for(std::chrono::seconds(0)) != std::future_status::ready ||
             !client.connection->is_open()) {
        client.loop.run_one_for(std::chrono::milliseconds(1));
      }
      if (how == How::close) {
        client.connection->close();
      } else {
        signal.emit(boost::asio::cancellation_type::terminal);
      }
      client.loop.run();
      REQUIRE(ended);
      REQUIRE(result.failure.has_value());
      CHECK(result.failure->code == Errc::cancelled);
      CHECK(result.progress >= (answering ? Progress::body_written : Progress::connected));
      CHECK_FALSE(client.connection->is_open());
    }
  }
}

TEST_CASE("A connection may be destroyed with its loop in the middle of an exchange") {
  std::promise<void> got;
  Server server(good_context(), [&](Peer& peer, unsigned) {
    got.set_value();
    peer.wait_for_close();
  });
  auto client = std::make_unique<Client>(Client::options(server.port()));
  boost::asio::co_spawn(client->loop, client->connection->exchange({Method::get, "/", {}, nullptr}),
                        [](std::exception_ptr, const Exchange&) { FAIL("it never ends"); });
  std::future<void> reached = got.get_future();
  while (reached.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    client->loop.run_one_for(std::chrono::milliseconds(1));
  }
  client.reset();
}
