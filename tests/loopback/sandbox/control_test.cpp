#include "tests/fakes/temp_directory.hpp"
#include "tests/loopback/sandbox/sandbox_bench.hpp"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

TEST_CASE("the oracle answers over plain HTTP what the class tells") {
  SandboxBench bench;
  (void)bench.post(kTwoUsers, "k");
  CHECK(bench.control("POST", "/finish-jobs").json().at("finished") == 1);
  const auto oracle = bench.control("GET", "/oracle").json();
  CHECK(oracle.at("posts") == 1);
  CHECK(oracle.at("records_applied") == 2);
  CHECK(oracle.at("posts_by_key").at("max") == 1);
  CHECK(oracle.at("requests").at("create") == 1);
  CHECK(oracle.at("codes").at("create").at("200") == 1);
  CHECK(oracle.at("max_sessions") == 1);
  CHECK(bench.control("GET", "/oracle/jobs").json().at(0).at("status") == "completed");
  CHECK(bench.control("GET", "/oracle/keys").json().at(0).at("key") == "k");
  const auto user = bench.control("GET", "/oracle/user?uid=a").json();
  CHECK(user.at("properties").at("n") == 1);
  CHECK(bench.control("GET", "/oracle/user?uid=z").status == 404);
}

TEST_CASE("all users stream in the order of their uids") {
  SandboxBench bench;
  (void)bench.post(R"({"requests":[{"uid":"b"},{"uid":"a"},{}]})", "k");
  bench.sandbox->finish_jobs();
  const std::string streamed = bench.control("GET", "/oracle/users").body;
  CHECK(streamed == bench.sandbox->users());
  CHECK(streamed.starts_with(R"({"uid":"a",)"));
  CHECK(streamed.find(R"({"uid":null,)") > streamed.find(R"({"uid":"b",)"));
}

TEST_CASE("settings, faults, clock, key and neighbour are changed while it runs") {
  SandboxBench bench;
  CHECK(bench.control("PATCH", "/settings", R"({"role":"USER","page_size":7})").status == 200);
  CHECK(bench.sandbox->settings().page_size == 7);
  CHECK(bench.control("PATCH", "/settings", R"({"page_size":8,"rolle":"USER"})").status == 400);
  CHECK(bench.sandbox->settings().page_size == 7);
  CHECK(bench.control("GET", "/settings").json().at("role") == "USER");
  CHECK(bench.control("POST", "/faults", R"({"call":"me","action":"status","code":500})").status == 200);
  CHECK(bench.call("GET", "/me").status == 500);
  CHECK(bench.control("GET", "/faults").json().at(0).at("fired") == 1);
  CHECK(bench.control("PUT", "/faults", "[]").status == 200);
  CHECK(bench.call("GET", "/me").status == 200);
  CHECK(bench.control("POST", "/key", R"({"accept":"other"})").status == 200);
  CHECK(bench.call("GET", "/me").status == 401);
  CHECK(bench.control("POST", "/neighbour", R"({"batches":200})").status == 200);
  CHECK(bench.control("POST", "/clock/advance", R"({"seconds":3600})").status == 200);
  CHECK(bench.control("POST", "/reset").status == 200);
  CHECK(bench.sandbox->oracle().requests_of(Call::me) == 0);
}

TEST_CASE("a control call that is none is refused") {
  SandboxBench bench;
  const std::array<std::array<std::string_view, 4>, 9> rows{
      {{"GET", "/nothing", "", "404"},
       {"GET", "/", "", "404"},
       {"POST", "/oracle", "", "404"},
       {"GET", "/oracle/nothing", "", "404"},
       {"POST", "/faults", "{", "400"},
       {"POST", "/faults", R"({"action":"x"})", "400"},
       {"POST", "/key", "{}", "400"},
       {"POST", "/clock/advance", R"({"seconds":-1})", "400"},
       {"POST", "/neighbour", R"({"batches":"x"})", "400"}}};
  for (const auto& [method, target, body, status] : rows) {
    CAPTURE(target);
    CAPTURE(body);
    CHECK(std::to_string(bench.control(method, target, body).status) == status);
  }
}

TEST_CASE("certificates made for a run go with it, those in a directory stay and serve again") {
  std::string fresh;
  {
    SandboxBench bench;
    fresh = bench.sandbox->ca_file();
    CHECK(std::filesystem::exists(fresh));
  }
  CHECK_FALSE(std::filesystem::exists(std::filesystem::path(fresh).parent_path()));
  const usherd::fakes::TempDirectory directory;
  std::string first;
  for (int run = 0; run < 2; ++run) {
    SandboxOptions options;
    options.certificate_dir = directory.path();
    const auto sandbox = Sandbox::start(options).value();
    CHECK(RawClient(sandbox->port(), sandbox->ca_file()).failure().empty());
    const std::string authority = usherd::fakes::read_file(sandbox->ca_file());
    CHECK((first.empty() || authority == first));
    first = authority;
  }
}

TEST_CASE("a taken port is an error, and plain mode speaks no TLS") {
  SandboxBench bench;
  SandboxOptions options;
  options.port = bench.sandbox->port();
  const auto second = Sandbox::start(options);
  REQUIRE(second.has_error());
  CHECK(second.error().message.find("Address already in use") != std::string::npos);
  options.port = 0;
  options.plain = true;
  const auto plain = Sandbox::start(options).value();
  CHECK(plain->api_url().starts_with("http://127.0.0.1:"));
  RawClient client(plain->port(), "");
  CHECK(client.exchange("GET", "/me", {{"Authorization", "Basic " + plain->key()}}).status == 200);
}
