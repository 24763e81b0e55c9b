#include "tests/loopback/transport/client.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace usherd;
using namespace usherd::test;

namespace {

void answer_all(Peer& peer, unsigned) {
  while (!peer.read_request().empty()) {
    peer.write(answer(200, "ok"));
  }
}

}  // namespace

TEST_CASE("A server is believed only with a certificate for its name, in date, from a known root") {
  const Authority stranger("somebody else");
  struct Row {
    const char* names;
    int days_left;
    const Authority* root;
    const char* host;
    const char* failure;  // null: accepted
  };
  const Row rows[] = {
      {"DNS:localhost", 1, &authority(), "localhost", nullptr},
      {"DNS:localhost", 1, &authority(), "LOCALHOST", nullptr},
      {"IP:127.0.0.1", 1, &authority(), "127.0.0.1", nullptr},
      {"DNS:*.example.test", 1, &authority(), "api.example.test", nullptr},
      {"DNS:*.example.test", 1, &authority(), "a.b.example.test",
       "hostname mismatch; api.base_url must hold a name that the certificate has: *.example.test"},
      {"DNS:api*.example.test", 1, &authority(), "api7.example.test",
       "hostname mismatch; api.base_url must hold a name that the certificate has: api*.example.test"},
      {"DNS:other.test", 1, &authority(), "localhost",
       "hostname mismatch; api.base_url must hold a name that the certificate has: other.test"},
      {"IP:127.0.0.1,IP:::1", 1, &authority(), "localhost",
       "hostname mismatch; api.base_url must hold a name that the certificate has: 127.0.0.1, ::1"},
      {"email:a@b.test", 1, &authority(), "localhost",
       "hostname mismatch; api.base_url must hold a name that the certificate has"},
      {"DNS:a,DNS:b,DNS:c\x1b,DNS:d,DNS:e,DNS:f,DNS:g", 1, &authority(), "localhost",
       "hostname mismatch; api.base_url must hold a name that the certificate has: a, b, c\\x1b, d, e, ..."},
      {"DNS:127.0.0.1", 1, &authority(), "127.0.0.1",
       "IP address mismatch; api.base_url must hold a name that the certificate has: 127.0.0.1"},
      {"IP:127.0.0.2", 1, &authority(), "127.0.0.1",
       "IP address mismatch; api.base_url must hold a name that the certificate has: 127.0.0.2"},
      {"DNS:localhost", -1, &authority(), "localhost",
       "certificate has expired; look at this machine's clock; if that is right, the server needs another "
       "certificate"},
      {"DNS:localhost", 1, &stranger, "localhost",
       "unable to get local issuer certificate; if a private CA signed it, as a proxy's that reads along, "
       "put "
       "the CA's certificate into api.ca_file"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.names);
    CAPTURE(row.host);
    CAPTURE(row.days_left);
    const ContextPtr context = row.root->server(row.names, row.days_left);
    Server server(context.get(), answer_all);
    HttpsOptions options = Client::options(server.port());
    options.base.host = row.host;
    Client client(options);
    const Exchange exchange = client.get();
    CHECK(exchange.failure.has_value() == (row.failure != nullptr));
    if (exchange.failure && row.failure != nullptr) {
      CHECK(exchange.failure->code == Errc::unavailable);
      CHECK(exchange.failure->message == "TLS handshake with " + std::string(row.host) + ":" +
                                             std::to_string(server.port()) + ": " + row.failure);
      CHECK(exchange.progress == Progress::nothing);
    }
  }
}

TEST_CASE("Without the extra trust root the test's own server is a stranger") {
  Server server(good_context(), answer_all);
  HttpsOptions options = Client::options(server.port());
  options.ca_file.clear();
  Client client(options);
  const Exchange exchange = client.get();
  REQUIRE(exchange.failure.has_value());
  CHECK(exchange.failure->message.find("unable to get local issuer certificate") != std::string::npos);
}

TEST_CASE("A root that stands in the system's bundle alone is known") {
  const char* before = std::getenv("SSL_CERT_FILE");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("SSL_CERT_FILE", authority().file().c_str(), 1);
  for (const bool other_root : {false, true}) {
    CAPTURE(other_root);
    const Authority other("another root");
    Server server(good_context(), answer_all);
    HttpsOptions options = Client::options(server.port());
    options.ca_file = other_root ? other.file() : "";
    Client client(options);
    CHECK_FALSE(client.get().failure.has_value());
  }
  if (before == nullptr)
    ::unsetenv("SSL_CERT_FILE");
  else
    ::setenv("SSL_CERT_FILE", kept.c_str(), 1);
}

TEST_CASE("TLS below 1.2 and servers without TLS are refused") {
  const ContextPtr old = authority().server("DNS:localhost");
  SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(old.get(), 0);
  for (SSL_CTX* context : {old.get(), static_cast<SSL_CTX*>(nullptr)}) {
    Server server(context, [](Peer& peer, unsigned) {
      peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
      peer.wait_for_close();
    });
    Client client(Client::options(server.port()));
    const Exchange exchange = client.get();
    REQUIRE(exchange.failure.has_value());
    CHECK(exchange.failure->code == Errc::unavailable);
    CHECK(exchange.failure->message.find("TLS handshake with localhost") == 0);
    CHECK(exchange.progress == Progress::nothing);
  }
}

TEST_CASE("The server's name goes out in the handshake, an address does not") {
  std::string seen = "unset";
  const ContextPtr context = authority().server("DNS:localhost,IP:127.0.0.1");
  auto note = [](SSL* ssl, int*, void* into) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    *static_cast<std::string*>(into) = name != nullptr ? name : "";
    return SSL_TLSEXT_ERR_OK;
  };
  SSL_CTX_set_tlsext_servername_callback(context.get(), +note);
  SSL_CTX_set_tlsext_servername_arg(context.get(), &seen);
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    {
      Server server(context.get(), answer_all);
      HttpsOptions options = Client::options(server.port());
      options.base.host = host;
      Client client(options);
      CHECK(client.get().status == 200);
    }
    CHECK(seen == (host == "localhost" ? host : ""));
  }
}

TEST_CASE("Plain http is for loopback only") {
  boost::asio::io_context loop;
  HttpsOptions options;
  options.base.tls = false;
  options.base.host = "api.example.test";
  CHECK(HttpsTransport::make(loop.get_executor(), options).error().code == Errc::invalid);
  options.base.host = "127.0.0.1";
  CHECK(HttpsTransport::make(loop.get_executor(), options).has_value());
}
