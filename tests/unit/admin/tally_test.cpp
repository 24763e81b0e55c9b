#include "usherd/admin/tally.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace {

using namespace std::chrono_literals;
using usherd::BatchResult;
using usherd::Instant;
using usherd::Outcomes;
using usherd::Reason;
using usherd::ReasonCounts;
using usherd::Rejection;
using usherd::RejectStage;
using usherd::Tally;

constexpr Instant kNow{usherd::BootTime{1h}, usherd::WallTime{1'700'000'000s}};

TEST_CASE("a batch counts its records, its codes and how it ended") {
  Tally tally(kNow.boot);
  const std::vector<Reason> reasons{{"Invalid Parameter!", "a message"}, {"no_verdict", "why"}};
  const std::vector<ReasonCounts> counts{{2, 0}, {0, 1}};
  Outcomes outcomes;
  outcomes.imported = 7;
  outcomes.rejected = 2;
  outcomes.unknown = 1;
  tally.batch_ended(reasons, counts, outcomes, kNow);
  CHECK(tally.records() == outcomes);
  CHECK(tally.rejects(RejectStage::api) == 2);
  CHECK(tally.rejects(RejectStage::unknown) == 1);
  CHECK(tally.batches(BatchResult::unknown) == 1);
  const auto codes = tally.codes().latest();
  REQUIRE(codes.size() == 2);
  CHECK(codes[0].code == "invalidparameter");
  CHECK(codes[0].count == 2);
  CHECK(codes[1].code == "no_verdict");
  CHECK(codes[1].stage == RejectStage::unknown);
  CHECK(codes[1].count == 1);
  CHECK(tally.last_success() == kNow.wall);
  CHECK(tally.rate().rate(kNow.boot + 10s, 15s) == doctest::Approx(1));
}

TEST_CASE("what a rule refuses is rejected, what a file lost is unknown") {
  Tally tally(kNow.boot);
  const std::vector<Rejection> rejections{{0, 1, 5, "empty_uid", "", false},
                                          {6, 2, 0, "file_changed", "", true},
                                          {9, 3, 5, "empty_uid", "", false}};
  tally.locally_rejected(rejections, kNow.wall);
  CHECK(tally.records().rejected == 2);
  CHECK(tally.records().unknown == 1);
  CHECK(tally.rejects(RejectStage::local) == 2);
  CHECK(tally.rejects(RejectStage::unknown) == 1);
  for (const auto& code : tally.codes().latest())
    CHECK((code.stage == RejectStage::unknown) == (code.code == "file_changed"));
}

TEST_CASE("keys given up are counted by the reasons of the contract alone") {
  Tally tally(kNow.boot);
  tally.key_given_up("job_failed");
  tally.key_given_up("something new");
  CHECK(tally.rekeyed(0) + tally.rekeyed(1) + tally.rekeyed(2) == 1);
  CHECK(tally.rekeyed(1) == 1);
}

}  // namespace
