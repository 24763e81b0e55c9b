#include "usherd/core/chunks.hpp"

#include <doctest/doctest.h>

#include <cstddef>

using namespace usherd;

TEST_CASE("What stands in chunks is found again, and stays where it is while they grow") {
  Chunks<std::size_t, 2> row;
  CHECK(row.size() == 0);
  row.push_back(0);
  const auto* const first = &row[0];
  for (std::size_t i = 1; i < 100; ++i)
    row.push_back(i);
  CHECK(&row[0] == first);
  CHECK(row.size() == 100);
  for (std::size_t i = 0; i < 100; ++i)
    CHECK(row[i] == i);
  row[50] = 7;
  CHECK(row[50] == 7);
  row.clear();
  CHECK(row.size() == 0);
  row.push_back(9);
  CHECK(row[0] == 9);
}
