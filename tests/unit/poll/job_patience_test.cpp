#include "usherd/poll/job_patience.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace usherd::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a job is given up at an answer that comes after its time, and never without one") {
  struct Step {
    Milliseconds at;
    JobWord word;
    bool ends;
  };
  struct Row {
    std::string name;
    Milliseconds timeout;
    std::vector<Step> steps;
  };
  const Row rows[] = {
      {"it goes on", 1h, {{59min, JobWord::goes_on, false}, {1h, JobWord::goes_on, true}}},
      {"for ever", 0h, {{10000h, JobWord::goes_on, false}, {20000h, JobWord::unclear, false}}},
      {"nobody answers",
       1h,
       {{2h, JobWord::none, false}, {900h, JobWord::none, false}, {901h, JobWord::goes_on, true}}},
      {"unclear for ten minutes",
       1h,
       {{70h, JobWord::unclear, false},
        {70h + 9min, JobWord::unclear, false},
        {70h + 10min, JobWord::unclear, true}}},
      {"unclear for the timeout where that is shorter",
       20s,
       {{70h, JobWord::unclear, false},
        {70h + 19s, JobWord::unclear, false},
        {70h + 20s, JobWord::unclear, true}}},
      {"unclear until its time has come",
       1h,
       {{30min, JobWord::unclear, false}, {1h, JobWord::unclear, true}}},
      {"silence ends no stumbling", 1h, {{70h, JobWord::unclear, false}, {71h, JobWord::none, false}}},
      {"an answer between",
       1h,
       {{10min, JobWord::unclear, false},
        {50min, JobWord::goes_on, false},
        {61min, JobWord::unclear, false}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const BootTime accepted{1000h};
    JobPatience patience(accepted);
    for (const auto& step : row.steps) {
      CAPTURE(step.at.count());
      CHECK(patience.ends(step.word, row.timeout, accepted + step.at) == step.ends);
    }
  }
}

}  // namespace
}  // namespace usherd::test
