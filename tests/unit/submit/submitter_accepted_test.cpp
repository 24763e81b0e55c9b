#include "usherd/submit/submitter.hpp"

#include "tests/unit/submit/submit_bench.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using usherd::test::job;
using usherd::test::SubmitBench;

TEST_CASE("A job that is named under another 2xx than 200 was accepted as well") {
  for (const unsigned status : {201U, 202U}) {
    CAPTURE(status);
    SubmitBench bench;
    auto* batch = bench.batch(2);
    bench.answer([status](const Request&, const std::string&) {
      auto created = job("j/1=");
      created.status = status;
      return created;
    });
    const auto done = bench.submit(*batch);
    REQUIRE(done->value);
    CHECK(done->value->end == SubmitEnd::accepted);
    CHECK(bench.stored(1).job == "j/1=");
    CHECK(bench.keys().size() == 1);
    CHECK(bench.bench.api.jobs().is_of_another("j/1=", 2));
  }
}
