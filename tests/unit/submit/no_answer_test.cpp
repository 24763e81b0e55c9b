#include "usherd/submit/no_answer.hpp"

#include "tests/fakes/scripted_transport.hpp"
#include "tests/unit/submit/api_bench.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace usherd;
using usherd::fakes::answered;
using usherd::fakes::lost;

namespace {

std::string why(Call call, const Exchange& exchange) {
  return why_no_answer(call, exchange).value_or("answered");
}

}  // namespace

TEST_CASE("What answers in the API's place came to nothing, whatever its status") {
  constexpr const char* kPage = "<html>please log in</html>";
  constexpr const char* kError = R"({"code":"c","message":"m"})";
  constexpr const char* kNoObject = "it answers 200, but not as the API does: the answer is no JSON object";
  for (const auto call : {Call::create, Call::status, Call::imports, Call::errors, Call::me}) {
    CAPTURE(to_string(call));
    CHECK(why(call, lost(Progress::connected)) == "scripted");
    CHECK(why(call, answered(200, kPage)) == kNoObject);
    CHECK(why(call, answered(200)) == kNoObject);
    CHECK(why(call, answered(200, R"( {"job":{"id":"j"}})")) == "answered");
    CHECK(why(call, answered(204)).starts_with("it answers 204"));
    CHECK(why(call, answered(400, kPage)) == "it answers 400");
    CHECK(why(call, answered(400, kError)) == "answered");
    CHECK(why(call, answered(503, kError)) == "it answers 503");
    for (const unsigned status : {302, 401, 403, 404, 413, 429})
      CHECK(why(call, answered(status, kPage)) == "answered");
  }
  CHECK(why(Call::errors, answered(202)) == "answered");
  CHECK(why(Call::status, answered(202)) == "it answers 202");
  // Named under any 2xx, a job is one.
  CHECK(why(Call::create, answered(202, R"({"job":{"id":"j"}})")) == "answered");
  CHECK(why(Call::create, answered(202, "{}")) ==
        "it answers 202, but not as the API does: the answer names no job");
  CHECK(why(Call::create, answered(200, "{}")) ==
        "it answers 200, but not as the API does: the answer names no job");
  CHECK(why(Call::status, answered(200, "{}")) == "answered");
}

TEST_CASE("The log says once that what answers is not the API, and when the API answers again") {
  test::ApiBench bench;
  bench.transport.handle([](const Request&, const std::string&) { return answered(200, "<html>"); });
  for (int i = 0; i < 5; ++i)
    CHECK(bench.ask(Call::create)->done());
  const auto told = [&bench](std::string_view words) {
    const auto lines = bench.lines.str();
    std::size_t count = 0;
    for (auto at = lines.find(words); at != std::string::npos; at = lines.find(words, at + 1))
      ++count;
    return count;
  };
  CHECK(told("3 requests in a row came to nothing, the last one because: it answers 200, but not") == 1);
  bench.transport.push(answered(200, R"({"job":{"id":"j"}})"));
  CHECK(bench.ask(Call::create)->done());
  CHECK(told("the API answers again") == 1);
}
