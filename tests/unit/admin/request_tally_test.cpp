#include "usherd/admin/request_tally.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace {

using namespace std::chrono_literals;
using usherd::Call;
using usherd::RequestTally;

std::uint64_t count(const RequestTally& tally, Call call, std::string_view code) {
  for (std::size_t i = 0; i < RequestTally::kCodes.size(); ++i) {
    if (RequestTally::kCodes[i] == code)
      return tally.count(call, i);
  }
  return 0;
}

TEST_CASE("an answer is counted under its call and a code of the fixed list, whatever the server says") {
  struct Row {
    unsigned status;
    std::string_view code;
  };
  const Row rows[] = {{0, "none"},  {200, "200"}, {202, "202"}, {301, "3xx"},   {404, "404"},  {418, "other"},
                      {429, "429"}, {500, "500"}, {599, "5xx"}, {204, "other"}, {999, "other"}};
  for (const auto& row : rows) {
    CAPTURE(row.status);
    RequestTally tally;
    tally.add(Call::status, row.status, 1ms);
    CHECK(count(tally, Call::status, row.code) == 1);
    CHECK(count(tally, Call::create, row.code) == 0);
  }
}

TEST_CASE("a duration belongs to the first bound that is not below it") {
  usherd::DurationHistogram histogram(usherd::kRequestBounds);
  histogram.add(10ms);
  histogram.add(11ms);
  histogram.add(2min);
  CHECK(histogram.count(0) == 1);
  CHECK(histogram.count(1) == 1);
  CHECK(histogram.count(usherd::kRequestBounds.size()) == 1);
  CHECK(histogram.sum() == doctest::Approx(120.021));
}

}  // namespace
