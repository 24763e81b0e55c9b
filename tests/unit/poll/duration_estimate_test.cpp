#include "usherd/poll/duration_estimate.hpp"
#include "usherd/core/random.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

void learn(DurationEstimate& estimate, double records, double duration, std::chrono::seconds accepted,
           double foretold = -1) {
  estimate.learn(
      {records, duration, BootTime{accepted}, foretold < 0 ? estimate.expected(records) : foretold});
}

/// Waves of twenty jobs, all foretold by the wave before.
void learn_wave(DurationEstimate& estimate, double duration, std::chrono::seconds begin) {
  const double foretold = estimate.expected(5000);
  for (int i = 0; i < 20; ++i)
    learn(estimate, 5000, duration, begin + i * 1s, foretold);
}

void drift(DurationEstimate& estimate) {
  learn_wave(estimate, 200'000, 0s);
  learn_wave(estimate, 150'000, 300s);
  learn_wave(estimate, 110'000, 600s);
}

}  // namespace

TEST_CASE("nothing is expected before a job has ended") {
  const DurationEstimate estimate;
  CHECK(estimate.is_empty());
  CHECK(estimate.expected(5000) == 0);
  CHECK(estimate.expected_at_least(5000) == 0);
  CHECK_FALSE(estimate.drifts());
}

TEST_CASE("a fixed part and one per record are told apart") {
  DurationEstimate estimate;
  Random random(2);
  for (int i = 0; i < 100; ++i) {
    const auto records = static_cast<double>(100 + random.up_to(4900));
    learn(estimate, records, 2000 + 3 * records, i * 1s);
  }
  CHECK(estimate.has_slope());
  CHECK(estimate.expected(100) == doctest::Approx(2300).epsilon(0.1));
  CHECK(estimate.expected(5000) == doctest::Approx(17'000).epsilon(0.03));
}

TEST_CASE("where neighbours are alike the first job of the next wave is believed") {
  DurationEstimate estimate;
  drift(estimate);
  CHECK(estimate.drifts());
  CHECK(estimate.error() > 0.15);
  learn(estimate, 5000, 80'000, 900s);
  CHECK(estimate.expected(5000) == doctest::Approx(80'000).epsilon(0.03));
}

TEST_CASE("where jobs vary by chance their average is believed") {
  DurationEstimate estimate;
  Random random(2);
  for (int i = 0; i < 400; ++i)
    learn(estimate, 5000, 50'000 + 100'000 * random.unit(), i * 1s);
  CHECK(estimate.expected(5000) > 85'000);
  CHECK(estimate.expected(5000) < 105'000);
  const double before = estimate.expected(5000);
  learn(estimate, 5000, 50'000, 400s);
  CHECK(estimate.expected(5000) > before * 0.97);
}

TEST_CASE("a job that took long is not believed alone, two are") {
  DurationEstimate estimate;
  drift(estimate);
  learn(estimate, 5000, 300'000, 900s);
  CHECK(estimate.expected(5000) <= 150'000);
  learn(estimate, 5000, 300'000, 901s);
  CHECK(estimate.expected(5000) > 200'000);
}

TEST_CASE("a job that ends long after newer ones tells nothing of the next where job times drift") {
  DurationEstimate estimate;
  drift(estimate);
  learn(estimate, 5000, 600'000, 310s, 200'000);
  CHECK(estimate.expected(5000) == doctest::Approx(110'000).epsilon(0.06));
}

TEST_CASE("jobs that go on raise what is expected at least by half at most, until a newer one ends") {
  DurationEstimate estimate;
  drift(estimate);
  estimate.goes_on(5000, 130'000);
  CHECK(estimate.expected(5000) == doctest::Approx(110'000).epsilon(0.02));
  CHECK(estimate.expected_at_least(5000) == doctest::Approx(130'000).epsilon(0.01));
  estimate.goes_on(5000, 120'000);
  CHECK(estimate.expected_at_least(5000) == doctest::Approx(130'000).epsilon(0.01));
  estimate.goes_on(5000, 900'000);
  CHECK(estimate.expected_at_least(5000) == doctest::Approx(165'000).epsilon(0.02));
  learn(estimate, 5000, 120'000, 900s);
  CHECK(estimate.expected_at_least(5000) == doctest::Approx(120'000).epsilon(0.02));
  SUBCASE("but not where jobs vary by chance") {
    DurationEstimate varying;
    for (int i = 0; i < 100; ++i)
      learn(varying, 5000, i % 2 == 0 ? 50'000 : 150'000, i * 1s);
    varying.goes_on(5000, 200'000);
    CHECK(varying.expected_at_least(5000) == varying.expected(5000));
  }
}

TEST_CASE("chance alone is no drift, nor are errors of a few percent") {
  DurationEstimate varying;
  Random random(2);
  for (int i = 0; i < 400; ++i)
    learn(varying, 5000, 50'000 + 50'000 * random.unit(), i * 1s);
  CHECK_FALSE(varying.drifts());
  DurationEstimate slow;
  for (int i = 0; i < 10; ++i)
    learn_wave(slow, 100'000 + 2000 * i, i * 200s);
  CHECK_FALSE(slow.drifts());
}
