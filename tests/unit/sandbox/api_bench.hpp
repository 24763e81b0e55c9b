#pragma once

#include "src/sandbox/api.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace usherd::sandbox {

/// An organisation and its API without a network; time stands where `now` is put.
class ApiBench {
 public:
  explicit ApiBench(std::string_view settings = "{}")
      : org(with_json(Settings(), settings).value(), "na1.k", 1) {}

  ApiAnswer call(std::string_view method, std::string_view target, std::string body = {},
                 std::string key = {}) {
    ApiRequest request;
    request.target = parse_target(target);
    request.route = route_of(method, request.target);
    request.authorization = authorization;
    request.idempotency_key = std::move(key);
    request.body = std::move(body);
    return api.answer(request, now);
  }
  ApiAnswer post(std::string body, std::string key = {}) {
    return call("POST", "/v2/users/batch", std::move(body), std::move(key));
  }
  /// The id of the job a good POST made.
  std::string job_of(const ApiAnswer& answer) {
    REQUIRE(answer.status == 200);
    return std::string(json(answer).at("job").at("id").as_string());
  }
  /// GET on a job: "", "/imports" or "/errors", with a page token where there is one.
  ApiAnswer get(const std::string& job, const std::string& list = {}, std::string_view token = {}) {
    std::string target = "/v2/users/batch/" + escaped(job) + list;
    if (!token.empty())
      target += "?page_token=" + escaped(token);
    return call("GET", target);
  }
  void rule(std::string_view text) { org.faults.add(parse_faults(text).value()); }
  void settle() {
    now += Milliseconds(1'000'000);
    org.tick(now);
  }

  static boost::json::value json(const ApiAnswer& answer) { return boost::json::parse(answer.body); }
  static std::string code_of(const ApiAnswer& answer) {
    return std::string(json(answer).at("code").as_string());
  }
  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '/') {
        out += "%2F";
      } else if (c == '+') {
        out += "%2B";
      } else if (c == '=') {
        out += "%3D";
      } else {
        out += c;
      }
    }
    return out;
  }

  Organisation org;
  Api api{org};
  WallTime now{std::chrono::hours(400'000)};
  std::string authorization = "Basic na1.k";
};

}  // namespace usherd::sandbox
