#include "tests/loopback/transport/client.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>

using namespace usherd;
using namespace usherd::test;

TEST_CASE("Many exchanges share one connection, and requests come out as they went in") {
  std::vector<std::string> requests;
  std::string host;
  {
    Server server(good_context(), [&](Peer& peer, unsigned) {
      for (std::string request = peer.read_request(); !request.empty(); request = peer.read_request()) {
        requests.push_back(request);
        peer.write(answer(200, "{}", "Content-Type: application/json\r\nDate: now\r\nRetry-After: 3\r\n"));
      }
    });
    HttpsOptions options = Client::options(server.port());
    options.base.prefix = "/fs";
    Client client(options);
    CHECK_FALSE(client.connection->is_open());
    Letters body(5);
    Request post{Method::post, "/v2?a=b", {{"Authorization", "Basic key"}}, &body};
    for (int i = 0; i < 2; ++i) {
      const Exchange exchange = client.get("/me");
      REQUIRE_FALSE(exchange.failure.has_value());
      CHECK(exchange.status == 200);
      CHECK(exchange.body == "{}");
      CHECK(exchange.content_type == "application/json");
      CHECK(exchange.date == "now");
      CHECK(exchange.retry_after == "3");
      CHECK(client.connection->is_open());
    }
    CHECK(client.run(post).status == 200);
    CHECK(server.accepted() == 1);
    client.connection->close();
    CHECK_FALSE(client.connection->is_open());
    CHECK(client.get().status == 200);
    CHECK(server.accepted() == 2);
    host = "Host: localhost:" + std::to_string(server.port()) + "\r\nUser-Agent: usherd\r\n";
  }
  REQUIRE(requests.size() == 4);
  CHECK(requests[0] == "GET /fs/me HTTP/1.1\r\n" + host + "\r\n");
  CHECK(requests[1] == requests[0]);
  CHECK(requests[2] ==
        "POST /fs/v2?a=b HTTP/1.1\r\n" + host + "Authorization: Basic key\r\nContent-Length: 5\r\n\r\nbbbbb");
}

TEST_CASE("A connection that the server closed while it was idle is replaced in silence") {
  for (const bool properly : {true, false}) {
    for (const bool tls : {true, false}) {
      CAPTURE(properly);
      CAPTURE(tls);
      std::promise<void> closed;
      Server server(tls ? good_context() : nullptr, [&](Peer& peer, unsigned number) {
        peer.read_request();
        peer.write(answer(200, ""));
        if (number > 0) {
          peer.wait_for_close();
        } else if (!properly) {
          peer.cut();
          closed.set_value();
        }
      });
      Client client(Client::options(server.port(), tls));
      CHECK(client.get().status == 200);
      if (!properly) {
        closed.get_future().wait();
      } else {
        // The server's close arrives by itself; nothing but the socket tells when.
        while (client.connection->is_open()) {
          std::this_thread::yield();
        }
      }
      CHECK_FALSE(client.connection->is_open());
      const Exchange exchange = client.get();
      CHECK_FALSE(exchange.failure.has_value());
      CHECK(exchange.status == 200);
      CHECK(server.accepted() == 2);
      client.connection.reset();
    }
  }
}

TEST_CASE("A connection on which the server spoke unasked is not used again") {
  std::promise<void> spoken;
  Server server(good_context(), [&](Peer& peer, unsigned number) {
    peer.read_request();
    peer.write(answer(200, "first"));
    if (number == 0) {
      peer.write(answer(408, "idle"));
      spoken.set_value();
    }
    peer.wait_for_close();
  });
  Client client(Client::options(server.port()));
  CHECK(client.get().body == "first");
  spoken.get_future().wait();
  CHECK_FALSE(client.connection->is_open());
  CHECK(client.get().body == "first");
  CHECK(server.accepted() == 2);
  client.connection.reset();
}

TEST_CASE("A connection that breaks under a reused session is reported, not repeated") {
  Server server(good_context(), [&](Peer& peer, unsigned) {
    peer.read_request();
    peer.write(answer(200, ""));
    peer.read_request();
    peer.reset();
  });
  Client client(Client::options(server.port()));
  CHECK(client.get().status == 200);
  const Exchange exchange = client.get();
  REQUIRE(exchange.failure.has_value());
  CHECK(exchange.failure->code == Errc::unavailable);
  CHECK(exchange.progress == Progress::body_written);
  CHECK_FALSE(client.connection->is_open());
  CHECK(server.accepted() == 1);
}

TEST_CASE("A later connection resumes the TLS session of an earlier one") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    const ContextPtr context = authority().server("DNS:localhost");
    SSL_CTX_set_max_proto_version(context.get(), version);
    std::atomic<unsigned> resumed = 0;
    {
      Server server(context.get(), [&](Peer& peer, unsigned) {
        resumed += peer.resumed() ? 1 : 0;
        peer.read_request();
        peer.write(answer(200, "", "Connection: close\r\n"));
      });
      Client client(Client::options(server.port()));
      for (int i = 0; i < 3; ++i) {
        CHECK(client.get().status == 200);
        CHECK_FALSE(client.connection->is_open());
      }
    }
    CHECK(resumed == 2);
  }
}

TEST_CASE("New options hold from the next exchange on, faulty ones change nothing") {
  Server server(good_context(), [&](Peer& peer, unsigned) {
    while (!peer.read_request().empty()) {
      peer.write(answer(200, ""));
    }
  });
  Client client(Client::options(server.port()));
  CHECK(client.get().status == 200);
  HttpsOptions faulty = Client::options(server.port());
  faulty.ca_file = "/does/not/exist.pem";
  const Result<void> refused = client.transport->set_options(faulty);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::invalid);
  CHECK(refused.error().message.find("/does/not/exist.pem") != std::string::npos);
  CHECK(client.get().status == 200);
  CHECK(server.accepted() == 1);
  CHECK(client.transport->set_options(Client::options(server.port())).has_value());
  CHECK(client.get().status == 200);
  CHECK(server.accepted() == 2);
  client.connection.reset();
}
