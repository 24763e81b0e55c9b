#include "usherd/submit/active_batch.hpp"

#include <doctest/doctest.h>

using namespace usherd;

TEST_CASE("A manifest that was folded up is what it was, as often as it is asked for") {
  for (const std::uint64_t runs : {1U, 1000U}) {
    CAPTURE(runs);
    ActiveBatch batch;
    for (std::uint64_t i = 0; i < runs; ++i) {
      batch.row.manifest.runs.push_back({7, i * 500, 200, i * 2 + 1, 1});
      batch.row.users.push_back(i);
    }
    batch.row.manifest.literals.push_back({0, 30, {{7, 9, 8, 1, 1}, {8, 9, 8, 1, 1}}});
    batch.row.users.push_back(99);
    const auto manifest = batch.row.manifest;
    for (int round = 0; round < 3; ++round) {
      batch.pack();
      CHECK(batch.row.manifest == Manifest{});
      CHECK(batch.operations() == runs + 1);
      // A worker gets the whole of it, and leaves the batch as it is.
      CHECK(batch.whole_row().manifest == manifest);
      CHECK(batch.row.manifest == Manifest{});
      CHECK(batch.merged_records() == 1);
      batch.unpack();
      CHECK(batch.row.manifest == manifest);
      CHECK(batch.operations() == manifest.operations());
      CHECK(batch.merged_records() == 1);
    }
  }
}
