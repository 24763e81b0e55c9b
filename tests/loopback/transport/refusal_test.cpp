#include "tests/loopback/transport/client.hpp"

#include <doctest/doctest.h>

#include <future>

using namespace usherd;
using namespace usherd::test;

namespace {

constexpr std::uint64_t kLarge = 50'000'000;

}  // namespace

TEST_CASE("A large body arrives whole and unchanged") {
  for (const bool tls : {true, false}) {
    bool intact = false;
    {
      Server server(tls ? good_context() : nullptr, [&](Peer& peer, unsigned) {
        peer.read_head();
        intact = peer.read_bytes(12'000'001) == std::string(12'000'001, 'b');
        peer.write(answer(200, "{}"));
        peer.wait_for_close();
      });
      Client client(Client::options(server.port(), tls));
      Letters body(12'000'001);
      const Exchange exchange = client.post(body);
      CHECK_FALSE(exchange.failure.has_value());
      CHECK(exchange.status == 200);
      CHECK(client.connection->is_open());
    }
    CHECK(intact);
  }
}

TEST_CASE("A refusal that comes before the end of the body is the answer") {
  enum class How { stays, closes, resets };
  for (const How how : {How::stays, How::closes, How::resets}) {
    for (const bool tls : {true, false}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(tls);
      Server server(tls ? good_context() : nullptr, [how](Peer& peer, unsigned) {
        peer.read_head();
        peer.read_bytes(100'000);
        peer.write(answer(413, "too large", "Retry-After: 9\r\n"));
        if (how == How::stays) {
          peer.wait_for_close();
        } else if (how == How::resets) {
          peer.cut();  // with unread data, this is a reset
        }
      });
      Client client(Client::options(server.port(), tls));
      Letters body(kLarge);
      const Exchange exchange = client.post(body);
      REQUIRE_FALSE(exchange.failure.has_value());
      CHECK(exchange.status == 413);
      CHECK(exchange.body == "too large");
      CHECK(exchange.retry_after == "9");
      CHECK(body.given() < kLarge);
      CHECK_FALSE(client.connection->is_open());
    }
  }
}

TEST_CASE("A server that refuses without reading is heard although it takes no more") {
  std::promise<void> finish;
  std::future<void> finished = finish.get_future();
  Server server(good_context(), [&](Peer& peer, unsigned) {
    peer.read_head();
    peer.write(answer(401, "no"));
    finished.wait();
  });
  Client client(Client::options(server.port()));
  Letters body(kLarge);
  const Exchange exchange = client.post(body);
  CHECK(exchange.status == 401);
  CHECK(body.given() < kLarge);
  finish.set_value();
}

TEST_CASE("Not one more piece is sent once a refusal has come") {
  struct Patient final : BodySource {
    [[nodiscard]] std::uint64_t length() const override { return letters.length(); }
    boost::asio::awaitable<Result<std::span<const char>>> next() override {
      if (letters.given() > 0) {
        answered.wait();
      }
      return letters.next();
    }
    Letters letters{300'000, 20'000};
    std::promise<void> answer;
    std::future<void> answered = answer.get_future();
  };
  Patient body;
  std::string arrived;
  {
    Server server(good_context(), [&](Peer& peer, unsigned) {
      peer.read_head();
      peer.write(answer(413, "no"));
      body.answer.set_value();
      arrived = peer.read_bytes(300'000);
    });
    Client client(Client::options(server.port()));
    CHECK(client.post(body).status == 413);
  }
  CHECK(arrived.size() <= 20'000);
}

TEST_CASE("A server that refuses and reads on is not sent the whole body for nothing") {
  Server server(good_context(), [&](Peer& peer, unsigned) {
    peer.read_head();
    peer.write(answer(413, "no"));
    peer.wait_for_close();
  });
  Client client(Client::options(server.port()));
  Letters body(kLarge);
  CHECK(client.post(body).status == 413);
  CHECK(body.given() < kLarge);
  client.connection.reset();
}

TEST_CASE("An interim answer does not stop the body") {
  Server server(good_context(), [](Peer& peer, unsigned) {
    peer.read_head();
    peer.write("HTTP/1.1 102 Processing\r\n\r\n");
    const bool whole = peer.read_bytes(kLarge).size() == kLarge;
    peer.write(answer(whole ? 200 : 400, ""));
    peer.wait_for_close();
  });
  Client client(Client::options(server.port()));
  Letters body(kLarge);
  CHECK(client.post(body).status == 200);
  CHECK(client.connection->is_open());
  client.connection.reset();
}

TEST_CASE("An interim answer that comes in two parts does not stop the body either") {
  Server server(good_context(), [](Peer& peer, unsigned) {
    peer.read_head();
    peer.write("HTTP/1.1 102 Pro");
    const auto half = peer.read_bytes(kLarge / 2).size();
    peer.write("cessing\r\n\r\n");
    const bool whole = half + peer.read_bytes(kLarge - half).size() == kLarge;
    peer.write(answer(whole ? 200 : 400, ""));
    peer.wait_for_close();
  });
  HttpsOptions options = Client::options(server.port());
  Client client(options);
  Letters body(kLarge);
  CHECK(client.post(body).status == 200);
  client.connection.reset();
}

TEST_CASE("A connection lost under way says how far it came") {
  struct Row {
    std::size_t reads;
    const char* writes;
    bool reset;
    Progress progress;
  };
  const Row rows[] = {
      {1, "", true, Progress::body_started},
      {100'000, "", true, Progress::body_started},
      {100'000, "", false, Progress::body_started},
      {kLarge, "", true, Progress::body_written},
      {kLarge, "", false, Progress::body_written},
      {kLarge, "HTTP/1.1 200 OK\r\nContent-", false, Progress::answer_started},
      {kLarge, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true, Progress::answer_started},
      {kLarge, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false, Progress::answer_started},
      {kLarge, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false,
       Progress::answer_started},
  };
  for (const Row& row : rows) {
    for (const bool tls : {true, false}) {
      CAPTURE(row.reads);
      CAPTURE(row.writes);
      CAPTURE(row.reset);
      CAPTURE(tls);
      Server server(tls ? good_context() : nullptr, [&row](Peer& peer, unsigned) {
        peer.read_head();
        peer.read_bytes(row.reads);
        peer.write(row.writes);
        if (row.reset) {
          peer.reset();
        }
      });
      Client client(Client::options(server.port(), tls));
      Letters body(kLarge);
      const Exchange exchange = client.post(body);
      REQUIRE(exchange.failure.has_value());
      CHECK(exchange.failure->code == Errc::unavailable);
      CHECK(exchange.progress == row.progress);
      CHECK_FALSE(exchange.body_failed);
      CHECK_FALSE(client.connection->is_open());
    }
  }
}

TEST_CASE("A body that its source gives up, or that is not as long as announced, never arrives whole") {
  enum class Fault { error, short_body, long_piece };
  for (const Fault fault : {Fault::error, Fault::short_body, Fault::long_piece}) {
    std::size_t arrived = 0;
    {
      Server server(good_context(), [&](Peer& peer, unsigned) {
        peer.read_head();
        arrived = peer.read_bytes(200'000).size();
      });
      Client client(Client::options(server.port()));
      struct TooLong final : BodySource {
        [[nodiscard]] std::uint64_t length() const override { return 200'000; }
        boost::asio::awaitable<Result<std::span<const char>>> next() override { return letters.next(); }
        Letters letters{300'000, 150'000};
      };
      Letters body(200'000);
      TooLong long_body;
      if (fault == Fault::error) {
        body.fail_at(131'072);
      } else {
        body.end_at(131'072);
      }
      const Exchange exchange = fault == Fault::long_piece ? client.post(long_body) : client.post(body);
      REQUIRE(exchange.failure.has_value());
      CHECK(exchange.failure->code == Errc::corrupt);
      CHECK(exchange.body_failed);
      CHECK(exchange.progress == Progress::body_started);
      CHECK_FALSE(client.connection->is_open());
    }
    CHECK(arrived < 200'000);
  }
}

TEST_CASE("A header that would break out of its line is refused before anything is sent") {
  Server server(good_context(), [](Peer&, unsigned) {});
  Client client(Client::options(server.port()));
  const Request requests[] = {
      {Method::get, "/", {{"Authorization", "Basic secret\r\nX: y"}}, nullptr},
      {Method::get, "/", {{"Auth orization", "Basic secret"}}, nullptr},
      {Method::get, "/a b", {}, nullptr},
      {Method::get, "/\n", {}, nullptr},
      {Method::get, "me", {}, nullptr},
  };
  for (const Request& request : requests) {
    const Exchange exchange = client.run(request);
    REQUIRE(exchange.failure.has_value());
    CHECK(exchange.failure->code == Errc::invalid);
    CHECK(exchange.failure->message.find("secret") == std::string::npos);
    CHECK(exchange.progress == Progress::nothing);
  }
  CHECK(server.accepted() == 0);
}
