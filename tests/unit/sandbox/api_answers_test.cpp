#include "tests/unit/sandbox/api_bench.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

namespace {

std::string users_body(int count, std::string_view bad = {}) {
  std::string body = R"({"requests":[)";
  for (int i = 0; i < count; ++i)
    body += (i == 0 ? "" : ",") + (R"({"uid":"u)" + std::to_string(i) + "\"}");
  if (!bad.empty())
    body += "," + std::string(bad);
  return body + "]}";
}

}  // namespace

TEST_CASE("pages add up to the whole list, by either form of the last token") {
  for (const std::string_view last : {"absent", "empty"}) {
    ApiBench bench(R"({"page_size":4,"last_token":")" + std::string(last) + "\"}");
    const std::string job = bench.job_of(bench.post(users_body(10)));
    bench.settle();
    std::set<std::string> uids;
    std::string token;
    int pages = 0;
    do {
      const auto page = bench.json(bench.get(job, "/imports", token));
      for (const auto& user : page.at("results").as_array())
        uids.emplace(user.at("uid").as_string());
      const auto* next = page.as_object().if_contains("next_page_token");
      CHECK((next != nullptr || last == "absent" || pages < 2));
      token = next == nullptr ? "" : std::string(next->as_string());
      ++pages;
      CHECK(page.at("total_records") == "10");
    } while (!token.empty());
    CHECK(pages == 3);
    CHECK(uids.size() == 10);
  }
}

TEST_CASE("a page token of another list, an expired one or a broken one is answered 400") {
  ApiBench bench(R"({"page_size":1,"token_life":"1m"})");
  const std::string job = bench.job_of(bench.post(users_body(2)));
  const std::string other = bench.job_of(bench.post(users_body(2)));
  bench.settle();
  const std::string token(bench.json(bench.get(job, "/imports")).at("next_page_token").as_string());
  CHECK(bench.get(job, "/imports", token).status == 200);
  CHECK(bench.get(other, "/imports", token).status == 400);
  CHECK(bench.get(job, "/errors", token).status == 400);
  CHECK(bench.get(job, "/imports", "nonsense").status == 400);
  bench.now += std::chrono::minutes(1);
  CHECK(bench.get(job, "/imports", token).status == 400);
}

TEST_CASE("the last token may repeat for ever, and the total may be wrong") {
  ApiBench bench(R"({"page_size":1,"page_loop":true,"total_records_off":-1})");
  const std::string job = bench.job_of(bench.post(users_body(2)));
  bench.settle();
  const auto first = bench.json(bench.get(job, "/imports"));
  CHECK(first.at("total_records") == "1");
  const std::string token(first.at("next_page_token").as_string());
  CHECK(bench.json(bench.get(job, "/imports", token)).at("next_page_token").as_string() == token);
}

TEST_CASE("results may lag behind the status") {
  ApiBench bench(R"({"results_lag":1})");
  const std::string job = bench.job_of(bench.post(users_body(1)));
  bench.settle();
  CHECK(bench.json(bench.get(job)).at("job").at("status") == "COMPLETED");
  CHECK(bench.get(job, "/errors").status == 202);
  CHECK(bench.get(job, "/errors").status == 200);
  CHECK(bench.get(job, "/imports").status == 202);
  CHECK(bench.get(job, "/imports").status == 200);
}

TEST_CASE("status words and error lists come in every variant") {
  struct Row {
    std::string_view settings;
    std::string_view status;
    unsigned errors_status;
    int listed;
  };
  constexpr std::array kRows =
      std::to_array<Row>({{"{}", "FAILED", 200, 1},
                          {R"({"status_with_errors":"COMPLETED"})", "COMPLETED", 200, 1},
                          {R"({"errors_listed":"none"})", "FAILED", 200, 0},
                          {R"({"errors_listed":"none","empty_errors":"not_found"})", "FAILED", 404, 0}});
  for (const Row& row : kRows) {
    CAPTURE(row.settings);
    ApiBench bench(row.settings);
    const std::string job = bench.job_of(bench.post(users_body(1, R"({"uid":""})")));
    bench.settle();
    CHECK(bench.json(bench.get(job)).at("job").at("status").as_string() == row.status);
    const ApiAnswer errors = bench.get(job, "/errors");
    CHECK(errors.status == row.errors_status);
    if (errors.status == 200)
      CHECK(bench.json(errors).at("results").as_array().size() == static_cast<std::size_t>(row.listed));
  }
}

TEST_CASE("job fates: stuck, vanished, failed and strange") {
  ApiBench bench;
  bench.rule(R"([{"action":"job_stuck","times":1},{"action":"job_vanish","times":1},
                 {"action":"job_vanish_applied","times":1},{"action":"job_fail","times":1},
                 {"action":"job_status","word":"QUEUED","times":1}])");
  const std::string stuck = bench.job_of(bench.post(R"({"requests":[{"uid":"stuck"}]})"));
  const std::string vanished = bench.job_of(bench.post(R"({"requests":[{"uid":"vanished"}]})"));
  const std::string applied = bench.job_of(bench.post(R"({"requests":[{"uid":"applied"}]})"));
  const std::string failed = bench.job_of(bench.post(R"({"requests":[{"uid":"failed"},{"uid":""}]})"));
  const std::string strange = bench.job_of(bench.post(R"({"requests":[{"uid":"strange"}]})"));
  bench.settle();
  CHECK(bench.json(bench.get(stuck)).at("job").at("status") == "PROCESSING");
  CHECK(bench.get(vanished).status == 404);
  CHECK(bench.get(applied, "/imports").status == 404);
  const auto status = bench.json(bench.get(failed));
  CHECK(status.at("job").at("status") == "FAILED");
  CHECK(status.at("imports") == 0);
  CHECK(status.at("errors") == 0);
  CHECK(bench.json(bench.get(strange)).at("job").at("status") == "QUEUED");
  for (const std::string_view uid : {"stuck", "vanished", "failed"})
    CHECK_FALSE(bench.org.users.find_uid(uid));
  CHECK(bench.org.users.find_uid("applied"));
  CHECK(bench.org.users.find_uid("strange"));
  CHECK(bench.org.finish_jobs(bench.now, stuck) == 1);
  CHECK(bench.org.users.find_uid("stuck"));
}

TEST_CASE("a poison record strikes the batches that hold it and no others") {
  ApiBench bench;
  bench.rule(R"({"call":"create","batch_contains_uid":"u3","action":"status","code":500})");
  CHECK(bench.post(users_body(3)).status == 200);
  CHECK(bench.post(users_body(4)).status == 500);
  CHECK(bench.post("not json").status == 400);
  bench.org.faults.clear();
  bench.rule(R"({"call":"create","batch_contains_uid":"u3","action":"reset_before"})");
  CHECK_FALSE(bench.post(users_body(3)).arrival);
  CHECK(bench.post(users_body(4)).arrival->action == FaultAction::reset_before);
  CHECK(bench.org.oracle().codes["create"][0] == 1);
}

TEST_CASE("a Standard key creates and asks, and views nothing") {
  ApiBench bench(R"({"role":"USER"})");
  const std::string job = bench.job_of(bench.post(users_body(1)));
  bench.settle();
  CHECK(bench.get(job).status == 200);
  CHECK(bench.get(job, "/imports").status == 403);
  CHECK(bench.get(job, "/errors").status == 403);
  CHECK(bench.call("GET", "/v2/users?uid=u0").status == 403);
  CHECK(bench.json(bench.call("GET", "/me")).at("role") == "USER");
}

TEST_CASE("every call needs the key and every request is limited") {
  ApiBench bench(R"({"requests_per_second":1,"burst":2})");
  bench.authorization = "Bearer na1.k";
  CHECK(bench.call("GET", "/me").status == 401);
  bench.authorization = "Basic na1.k";
  CHECK(bench.call("GET", "/me").status == 200);
  CHECK(bench.call("GET", "/nowhere").status == 404);
  CHECK(bench.call("GET", "/me").status == 429);
  bench.now += std::chrono::seconds(1);
  CHECK(bench.call("GET", "/me").status == 200);
}

TEST_CASE("single users are written, read, listed and deleted") {
  ApiBench bench;
  const ApiAnswer made = bench.call("POST", "/v2/users", R"({"uid":"a","properties":{"n":1}})");
  REQUIRE(made.status == 200);
  const std::string id(bench.json(made).at("id").as_string());
  CHECK(bench.call("POST", "/v2/users/" + id, R"({"email":"a@b"})").status == 200);
  CHECK(bench.call("POST", "/v2/users/7", "{}").status == 404);
  CHECK(bench.call("POST", "/v2/users/" + id, R"({"uid":"b"})").status == 400);
  CHECK(bench.json(bench.call("GET", "/v2/users/" + id)).at("email") == "a@b");
  CHECK(bench.json(bench.call("GET", "/v2/users?uid=a")).at("results").as_array().size() == 1);
  CHECK(bench.json(bench.call("GET", "/v2/users?email=x")).at("results").as_array().empty());
  CHECK(bench.call("DELETE", "/v2/users?uid=a").status == 200);
  CHECK(bench.call("GET", "/v2/users/" + id).status == 404);
}

TEST_CASE("without stored users the imports still name every record") {
  ApiBench bench(R"({"store_users":false,"page_size":2})");
  const std::string job = bench.job_of(bench.post(users_body(3)));
  bench.settle();
  const auto page = bench.json(bench.get(job, "/imports"));
  CHECK(page.at("total_records") == "3");
  CHECK(page.at("results").at(1).at("uid") == "u1");
  CHECK(bench.org.users.size() == 0);
  CHECK(bench.org.oracle().records_applied == 3);
}

TEST_CASE("jobs that end together apply in random order only when told to") {
  const auto winners = [](std::string_view order) {
    std::set<std::string> seen;
    ApiBench bench(R"({"apply_order":")" + std::string(order) + "\"}");
    for (int round = 0; round < 20; ++round) {
      for (int value = 0; value < 3; ++value)
        (void)bench.post(R"({"requests":[{"uid":"u","properties":{"v":)" + std::to_string(value) + "}}]}");
      bench.settle();
      seen.insert(bench.org.users.at(*bench.org.users.find_uid("u")).properties);
    }
    return seen;
  };
  CHECK(winners("order") == std::set<std::string>{R"({"v":2})"});
  CHECK(winners("random").size() == 3);
}
