#include "usherd/batch/fetched_records.hpp"

#include <doctest/doctest.h>

using namespace usherd;

TEST_CASE("Fetched records are found by their place in the body") {
  FetchedRecords fetched;
  CHECK_FALSE(fetched.find(0));
  fetched.add(3, "three");
  fetched.add(7, "");
  fetched.add(9, "nine");
  CHECK(fetched.find(3) == "three");
  CHECK(fetched.find(7) == "");
  CHECK(fetched.find(9) == "nine");
  for (const std::size_t other : {0, 2, 4, 8, 10})
    CHECK_FALSE(fetched.find(other));
}

TEST_CASE("Fetched records take no more bytes than they may") {
  FetchedRecords fetched;
  const std::string large(FetchedRecords::kMostBytes / 2, 'x');
  fetched.add(0, large);
  fetched.add(1, large);
  fetched.add(2, "y");
  CHECK(fetched.find(0) == large);
  CHECK(fetched.find(1) == large);
  CHECK_FALSE(fetched.find(2));
}
