#include "usherd/submit/api_client.hpp"

#include "tests/unit/submit/api_bench.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace usherd;
using usherd::fakes::answered;
using usherd::test::ApiBench;

TEST_CASE("A key that the server echoes in its errors is not passed on, and a job id is left as it is") {
  ApiBench bench;
  bench.key = "na1.c2VjcmV0/b2Y=";
  const std::string echo = R"({"code":"no na1.c2VjcmV0/b2Y=","message":"x"})";
  for (const auto status : {400U, 500U}) {
    bench.transport.push(answered(status, echo));
    ApiRequest post;
    post.call = Call::create;
    CHECK(bench.loop.run(bench.api.call(std::move(post))).exchange.body ==
          R"({"code":"no *****************","message":"x"})");
  }
  bench.transport.push(answered(200, echo));
  ApiRequest errors;
  errors.call = Call::errors;
  CHECK(bench.loop.run(bench.api.call(std::move(errors))).exchange.body.find("c2Vj") == std::string::npos);
  bench.transport.push(answered(200, echo));
  CHECK(bench.loop.run(bench.api.call(ApiRequest{})).exchange.body == echo);
}
