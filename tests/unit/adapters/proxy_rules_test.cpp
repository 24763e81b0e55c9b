#include "usherd/adapters/proxy_rules.hpp"

#include <doctest/doctest.h>

#include <string>

using usherd::bypasses_proxy;
using usherd::parse_proxy_url;
using usherd::ProxyAddress;
using usherd::Result;

TEST_CASE("NO_PROXY exempts names and what lies below them") {
  struct Row {
    const char* rules;
    const char* host;
    bool bypasses;
  };
  const Row rows[] = {
      {"", "api.example.com", false},
      {"*", "api.example.com", true},
      {"other,*", "api.example.com", true},
      {"example.com", "example.com", true},
      {"example.com", "api.example.com", true},
      {"example.com", "a.b.example.com", true},
      {".example.com", "api.example.com", true},
      {".example.com", "example.com", true},
      {"example.com.", "api.example.com", true},
      {"example.com", "api.example.com.", true},
      {"EXAMPLE.com", "api.Example.COM", true},
      {"example.com", "badexample.com", false},
      {"example.com", "example.com.evil", false},
      {"api.example.com", "example.com", false},
      {"a,b , example.com", "example.com", true},
      {"a b\texample.com", "example.com", true},
      {",,,", "example.com", false},
      {".", "example.com", false},
      {"localhost", "localhost", true},
      {"other", "localhost", false},
      {"*.example.com", "api.example.com", false},
      {"example.com:443", "api.example.com", true},
      {"example.com:80", "api.example.com", false},
      {"example.com:", "api.example.com", false},
      {"example.com:x", "api.example.com", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rules);
    CAPTURE(row.host);
    CHECK(bypasses_proxy(row.rules, row.host, 443) == row.bypasses);
  }
}

TEST_CASE("NO_PROXY matches addresses as addresses") {
  struct Row {
    const char* rules;
    const char* host;
    bool bypasses;
  };
  const Row rows[] = {
      {"127.0.0.1", "127.0.0.1", true},
      {"127.0.0.1:443", "127.0.0.1", true},
      {"127.0.0.1:80", "127.0.0.1", false},
      {"0.0.1", "127.0.0.1", false},
      {"10.0.0.0/8", "10.200.3.4", true},
      {"10.0.0.0/8", "11.0.0.1", false},
      {"192.168.128.0/17", "192.168.200.1", true},
      {"192.168.128.0/17", "192.168.100.1", false},
      {"0.0.0.0/0", "8.8.8.8", true},
      {"0.0.0.0/0", "::1", false},
      {"10.0.0.0/33", "10.0.0.0", false},
      {"10.0.0.0/", "10.0.0.0", false},
      {"10.0.0.0/-1", "10.0.0.0", false},
      {"10.0.0.1/32", "10.0.0.1", true},
      {"10.0.0.0/8", "10.example.com", false},
      {"::1", "::1", true},
      {"[::1]", "::1", true},
      {"::1", "[::1]", true},
      {"[::1]:443", "::1", true},
      {"[::1]:80", "::1", false},
      {"0:0:0:0:0:0:0:1", "::1", true},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"2001:db8::/128", "2001:db8::", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rules);
    CAPTURE(row.host);
    CHECK(bypasses_proxy(row.rules, row.host, 443) == row.bypasses);
  }
}

TEST_CASE("A proxy's address is a host, a port, and perhaps credentials") {
  struct Row {
    const char* text;
    const char* host;
    int port;
    const char* credentials;
  };
  const Row rows[] = {
      {"http://proxy:3128", "proxy", 3128, ""},
      {"HTTP://Proxy:3128/", "proxy", 3128, ""},
      {"proxy:3128", "proxy", 3128, ""},
      {"http://[::1]:8080", "::1", 8080, ""},
      {"http://user:pass@10.0.0.1:8080", "10.0.0.1", 8080, "user:pass"},
      {"http://user:p%40ss%3a@proxy:1", "proxy", 1, "user:p@ss:"},
      {"user:a@b@proxy:1", "proxy", 1, "user:a@b"},
      {"http://user:a/b@proxy:1", "proxy", 1, "user:a/b"},
      {"http://user@proxy:1", "proxy", 1, "user:"},
      {"http://@proxy:1", "proxy", 1, ""},
      {"http://user:pass@proxy", "proxy", 80, "user:pass"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Result<ProxyAddress> proxy = parse_proxy_url(row.text);
    REQUIRE(proxy.has_value());
    CHECK(proxy->host == row.host);
    CHECK(proxy->port == row.port);
    CHECK((proxy->credentials ? proxy->credentials->reveal() : "") == row.credentials);
  }
  for (const char* text : {"", "http://", "https://proxy:1", "socks5://proxy:1", "http://user:secret",
                           "http://proxy:0", "http://proxy:1/path", "http://user:secret%4@proxy:1",
                           "http://user:secret%zz@proxy:1", "http://user:secret@pro xy:1"}) {
    CAPTURE(text);
    const Result<ProxyAddress> proxy = parse_proxy_url(text);
    REQUIRE_FALSE(proxy.has_value());
    CHECK(proxy.error().code == usherd::Errc::invalid);
    CHECK(proxy.error().message.find("secret") == std::string::npos);
  }
}
