#include "usherd/admin/age_table.hpp"

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using usherd::AgeTable;

TEST_CASE("a file stands in the column of its age, the borders as qshape draws them") {
  struct Row {
    std::chrono::milliseconds age;
    std::size_t column;
  };
  const Row rows[] = {{0s, 0},      {5min, 0},    {5min + 1ms, 1}, {10min, 1},  {20min, 2},
                      {40min, 3},   {80min, 4},   {160min, 5},     {320min, 6}, {640min, 7},
                      {1280min, 8}, {1281min, 9}, {24h * 365, 9},  {-5s, 0}};
  for (const auto& row : rows) {
    CAPTURE(row.age.count());
    CHECK(AgeTable::column_of(row.age) == row.column);
  }
}

TEST_CASE("the columns add up to the whole backlog") {
  AgeTable table;
  table.add(1s, 100);
  table.add(2h, 50);
  table.add(9, AgeTable::Column{3, 7});
  CHECK(table.total().files == 5);
  CHECK(table.total().bytes == 157);
  CHECK(table.columns()[5].bytes == 50);
}

}  // namespace
