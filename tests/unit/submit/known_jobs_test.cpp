#include "usherd/submit/known_jobs.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace usherd;

TEST_CASE("A job belongs to the batch that named it first, for as long as it is among the last ones") {
  KnownJobs jobs;
  jobs.add("a", 1);
  jobs.add("a", 2);
  CHECK_FALSE(jobs.is_of_another("a", 1));
  CHECK(jobs.is_of_another("a", 2));
  CHECK_FALSE(jobs.is_of_another("b", 2));
  for (BatchId batch = 2; batch <= KnownJobs::kMost; ++batch)
    jobs.add("job " + std::to_string(batch), batch);
  CHECK(jobs.is_of_another("a", 2));
  jobs.add("one more", 5000);
  CHECK_FALSE(jobs.is_of_another("a", 2));
  CHECK(jobs.is_of_another("one more", 2));
  CHECK(jobs.is_of_another("job 2", 3));
}
