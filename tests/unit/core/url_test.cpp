#include "usherd/core/url.hpp"

#include <doctest/doctest.h>

#include <string>

using usherd::parse_url;
using usherd::Result;
using usherd::Url;

TEST_CASE("An address is taken apart into scheme, host, port and prefix") {
  struct Row {
    const char* text;
    bool tls;
    const char* host;
    int port;
    const char* prefix;
    const char* authority;
  };
  const Row rows[] = {
      {"https://api.fullstory.com", true, "api.fullstory.com", 443, "", "api.fullstory.com"},
      {"HTTPS://API.Fullstory.COM/", true, "api.fullstory.com", 443, "", "api.fullstory.com"},
      {"https://api.fullstory.com:443", true, "api.fullstory.com", 443, "", "api.fullstory.com"},
      {"https://gate:8443/fs/eu//", true, "gate", 8443, "/fs/eu", "gate:8443"},
      {"http://127.0.0.1:80/x", false, "127.0.0.1", 80, "/x", "127.0.0.1"},
      {"http://localhost:443", false, "localhost", 443, "", "localhost:443"},
      {"https://[2001:DB8::1]:9/a%20b", true, "2001:db8::1", 9, "/a%20b", "[2001:db8::1]:9"},
      {"https://[::1]", true, "::1", 443, "", "[::1]"},
      {"https://my_host-1.example", true, "my_host-1.example", 443, "", "my_host-1.example"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Result<Url> url = parse_url(row.text);
    REQUIRE(url.has_value());
    CHECK(url->tls == row.tls);
    CHECK(url->host == row.host);
    CHECK(url->port == row.port);
    CHECK(url->prefix == row.prefix);
    CHECK(url->authority() == row.authority);
  }
}

TEST_CASE("What is not a plain http or https address is refused") {
  const char* const texts[] = {
      "",
      "api.fullstory.com",
      "ftp://host",
      "https:/host",
      "https://",
      "https:///path",
      "https://host:",
      "https://host:0",
      "https://host:65536",
      "https://host:8a",
      "https://host:-1",
      "https://host?x=1",
      "https://host/path#part",
      "https://user@host",
      "https://user:secret@host",
      "https://user:secret/more@host",
      "https://user:[secret@host",
      "https://user:a/secret@host",
      "https://[::1",
      "https://[::1]x",
      "https://[::1%eth0]",
      "https://[127.0.0.1]",
      "https://::1/",
      "https://a..b",
      "https://.a",
      "https://a.",
      "https://127.1",
      "https://0x7f000001",
      "https://1.2.3.256",
      "https://ho st",
      "https://h\xc3\xb6st",
      "https://host/a b",
      "https://host/\n",
  };
  for (const char* text : texts) {
    CAPTURE(text);
    const Result<Url> url = parse_url(text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error().code == usherd::Errc::invalid);
    CHECK(url.error().message.find("secret") == std::string::npos);
  }
  CHECK_FALSE(parse_url("https://" + std::string(64, 'a')).has_value());
  CHECK(parse_url("https://" + std::string(63, 'a')).has_value());
}

TEST_CASE("Loopback is told from the host as it is written") {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.9.8.7", "::1"}) {
    CAPTURE(host);
    CHECK(usherd::is_loopback_host(host));
  }
  for (const char* host : {"localhost.example", "128.0.0.1", "::2", "0.0.0.0", "::", "", "127.1"}) {
    CAPTURE(host);
    CHECK_FALSE(usherd::is_loopback_host(host));
  }
}
