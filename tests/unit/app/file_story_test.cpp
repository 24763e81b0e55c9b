#include "src/app/file_story.hpp"

#include <doctest/doctest.h>

using namespace usherd;

TEST_CASE("the counts of a file add up, whatever is on its way between reader and ledger") {
  for (const std::uint64_t read : {0, 1, 9, 10, 11, 500}) {
    CAPTURE(read);
    const Outcomes ended{3, 2, 4, 1, 0};
    const auto counts = count_records(read, ended);
    CHECK(counts.records >= read);
    CHECK(counts.pending + ended.ended() == counts.records);
  }
  CHECK(count_records(1500, Outcomes{426, 87, 706, 0, 0}).pending == 281);
}
