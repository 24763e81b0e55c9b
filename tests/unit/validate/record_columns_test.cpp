#include "usherd/validate/record_columns.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace usherd;

namespace {

/// Of those that may, one in eight has a second key.
Record some_record(std::mt19937& random, bool may_have_second) {
  Record record;
  record.user = random();
  record.sum = random();
  record.length = static_cast<std::uint32_t>(random() % 1000);
  record.flags = static_cast<std::uint8_t>(random() % 4);
  if (may_have_second && random() % 8 == 0)
    record.second = random();
  return record;
}

void check_same(const RecordColumns& columns, const std::vector<Record>& records) {
  REQUIRE(columns.size() == records.size());
  CHECK(columns.seconds.size() <= columns.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto record = columns.at(i);
    CHECK(record.user == records[i].user);
    CHECK(record.second == records[i].second);
    CHECK(record.sum == records[i].sum);
    CHECK(record.length == records[i].length);
    CHECK(record.flags == records[i].flags);
  }
}

}  // namespace

TEST_CASE("Columns hold what was added to them, one by one and by the part") {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    RecordColumns source;
    std::vector<Record> records;
    // The later half has none, so that the column of second keys ends early.
    for (int i = 0; i < 60; ++i) {
      records.push_back(some_record(random, seed % 4 != 0 && i < 30));
      source.push_back(records.back());
    }
    check_same(source, records);
    RecordColumns target;
    std::vector<Record> expected;
    for (int part = 0; part < 6; ++part) {
      const std::size_t first = random() % records.size();
      const std::size_t count = random() % (records.size() - first + 1);
      target.append(source, first, count);
      const auto begin = records.begin() + static_cast<std::ptrdiff_t>(first);
      expected.insert(expected.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
      check_same(target, expected);
    }
  }
}

TEST_CASE("Nothing of what columns held before is left in what they hold next") {
  std::mt19937 random(1);
  RecordColumns columns;
  for (int i = 0; i < 20; ++i) {
    auto record = some_record(random, false);
    record.second = 7;
    columns.push_back(record);
  }
  columns.clear();
  CHECK(columns.size() == 0);
  const std::vector<Record> next = {some_record(random, false), some_record(random, false)};
  for (const auto& record : next)
    columns.push_back(record);
  check_same(columns, next);
}
