#pragma once

#include "tests/loopback/sandbox/raw_client.hpp"
#include "usherd/core/text.hpp"
#include "usherd/sandbox/sandbox.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace usherd::sandbox {

/// A running sandbox whose clock stands still and whose jobs end by hand, and clients of it.
class SandboxBench {
 public:
  explicit SandboxBench(std::string_view settings = "{}") : sandbox(started(settings)) {}

  [[nodiscard]] RawClient client() { return RawClient(sandbox->port(), sandbox->ca_file()); }
  /// One request on a connection of its own.
  RawAnswer call(std::string_view method, std::string_view target, std::string_view body = {}) {
    RawClient one(sandbox->port(), sandbox->ca_file());
    REQUIRE(one.failure().empty());
    return one.exchange(method, target, authorized(), body);
  }
  RawAnswer post(std::string_view body, std::string key) {
    RawClient one(sandbox->port(), sandbox->ca_file());
    REQUIRE(one.failure().empty());
    return one.exchange("POST", "/v2/users/batch", authorized(std::move(key)), body);
  }
  RawAnswer control(std::string_view method, std::string_view target, std::string_view body = {}) {
    return RawClient(sandbox->control_port(), "").exchange(method, target, {}, body);
  }
  [[nodiscard]] RawClient::Headers authorized(std::string key = {}) const {
    RawClient::Headers headers{{"Authorization", "Basic " + sandbox->key()}};
    if (!key.empty())
      headers.emplace_back("Idempotency-Key", std::move(key));
    return headers;
  }
  void rule(std::string_view text) { REQUIRE(sandbox->add_faults(text).has_value()); }
  static std::string job_path(const RawAnswer& created) {
    REQUIRE(created.status == 200);
    return "/v2/users/batch/" + percent_encode(created.json().at("job").at("id").as_string());
  }

  std::unique_ptr<Sandbox> sandbox;

 private:
  static std::unique_ptr<Sandbox> started(std::string_view settings) {
    SandboxOptions options;
    options.settings.job_time.manual = true;
    options.settings = with_json(options.settings, settings).value();
    options.frozen_clock = true;
    return Sandbox::start(options).value();
  }
};

inline constexpr std::string_view kTwoUsers =
    R"({"requests":[{"uid":"a","properties":{"n":1}},{"uid":"b"}]})";

}  // namespace usherd::sandbox
