#include "usherd/admin/host_rule.hpp"

#include <doctest/doctest.h>

namespace {

using usherd::HostRule;

TEST_CASE("only addresses, localhost and the names of admin.hosts are answered") {
  const HostRule rule({"status.example.com"});
  for (const auto* host : {"localhost", "LOCALHOST:9786", "127.0.0.1:9786", "10.1.2.3", "[::1]:9786", "[::1]",
                           "status.example.com", "Status.Example.com:443"}) {
    CAPTURE(host);
    CHECK(rule.allows(host));
  }
  for (const auto* host :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
        "status.example.com.evil.example", "evil.example:9786", "status.example.com@evil.example",
        "[::1].evil.example", " localhost", "localhost:x"}) {
    CAPTURE(host);
    CHECK_FALSE(rule.allows(host));
  }
}

TEST_CASE("without a Host nothing but what probes ask for is answered") {
  for (const auto* path : {"/healthz", "/readyz", "/metrics"})
    CHECK(HostRule::allows_without_host(path));
  for (const auto* path : {"/", "/api/status", "/api/events", "/metrics/", "/healthz/../", ""})
    CHECK_FALSE(HostRule::allows_without_host(path));
}

}  // namespace
