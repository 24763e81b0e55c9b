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

TEST_CASE(
    "A job that ended is another batch's once it was named for it again and again, a living one never") {
  KnownJobs jobs;
  jobs.add("a", 1);
  for (unsigned claim = 0; claim < 2 * KnownJobs::kBelieved; ++claim)
    CHECK(jobs.is_of_another("a", 2));
  jobs.ended("a", 2);
  CHECK(jobs.is_of_another("a", 3));
  jobs.ended("a", 1);
  for (unsigned claim = 1; claim < KnownJobs::kBelieved; ++claim)
    CHECK(jobs.is_of_another("a", 4));
  // Named for somebody else in between, as late answers are.
  CHECK(jobs.is_of_another("a", 5));
  for (unsigned claim = 1; claim < KnownJobs::kBelieved; ++claim)
    CHECK(jobs.is_of_another("a", 4));
  CHECK_FALSE(jobs.is_of_another("a", 4));
  jobs.add("a", 4);
  CHECK_FALSE(jobs.is_of_another("a", 4));
  CHECK(jobs.is_of_another("a", 6));
}
