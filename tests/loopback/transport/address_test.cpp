#include "tests/loopback/transport/client.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::test;

namespace {

void answer_all(Peer& peer, unsigned) {
  while (!peer.read_request().empty()) {
    peer.write(answer(200, "ok"));
  }
}

}  // namespace

TEST_CASE("Addresses that refuse are passed over") {
  Server server(good_context(), answer_all);
  HttpsOptions options = Client::options(server.port());
  options.addresses = {"::1", "127.0.0.3", "127.0.0.1"};
  Client client(options);
  CHECK(client.get().status == 200);
}

TEST_CASE("A name is looked up, and an address needs no looking up") {
  Server server(good_context(), answer_all);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    HttpsOptions options = Client::options(server.port());
    options.base.host = host;
    options.addresses.clear();
    Client client(options);
    CHECK(client.get().status == 200);
  }
}

TEST_CASE("A server that is not there is named with the reason") {
  const std::uint16_t port = free_port();
  Client client(Client::options(port));
  const Exchange exchange = client.get();
  REQUIRE(exchange.failure.has_value());
  CHECK(exchange.failure->code == Errc::unavailable);
  CHECK(exchange.failure->message == "connect localhost:" + std::to_string(port) + ": Connection refused");
  CHECK(exchange.progress == Progress::nothing);
  CHECK_FALSE(client.connection->is_open());
}

TEST_CASE("A name that cannot be is a failure to resolve") {
  HttpsOptions options = Client::options(1);
  options.addresses.clear();
  options.base.host = std::string(200, 'x') + ".invalid";
  Client client(options);
  const Exchange exchange = client.get();
  REQUIRE(exchange.failure.has_value());
  CHECK(exchange.failure->message.find("resolve xxx") == 0);
  CHECK(exchange.progress == Progress::nothing);
}
