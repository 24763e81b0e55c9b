#include "usherd/app/service_status.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;
using usherd::BootTime;
using usherd::ParkReason;
using usherd::RateMeter;
using usherd::ServiceFacts;
using usherd::ServicePhase;
using usherd::status_line;

TEST_CASE("the status line says what is done, how fast, and what waits") {
  ServiceFacts facts;
  CHECK(status_line(facts) == "starting: taking up what an earlier run left");
  facts.phase = ServicePhase::delivering;
  CHECK(status_line(facts) == "delivering: nothing to do");
  facts.records_per_second = 1234.4;
  facts.batches = 1;
  facts.files = 12;
  CHECK(status_line(facts) == "delivering 1234 records/s; 1 batch in progress; 12 files waiting");
  facts.phase = ServicePhase::draining;
  facts.batches = 8;
  facts.files = 1;
  CHECK(status_line(facts) == "draining 1234 records/s; 8 batches in progress; 1 file waiting");
}

TEST_CASE("a parked daemon names the reason and its age before anything else") {
  ServiceFacts facts;
  facts.phase = ServicePhase::delivering;
  facts.parked = {ParkReason::credentials};
  facts.parked_for = 3min + 4s + 567ms;
  facts.files = 2;
  CHECK(status_line(facts) == "parked: credentials for 3m 4s; 2 files waiting");
  facts.parked.push_back(ParkReason::disk);
  CHECK(status_line(facts) == "parked: credentials, disk for 3m 4s; 2 files waiting");
}

TEST_CASE("who waits for the API says for what, and for how long") {
  ServiceFacts facts;
  facts.phase = ServicePhase::delivering;
  facts.files = 2;
  facts.held_for = 3h + 400ms;
  CHECK(status_line(facts) == "delivering: waiting 3h 0m for the API's rate limit (429); 2 files waiting");
  facts.silent_for = 12min;
  CHECK(status_line(facts) == "delivering: the API has not answered for 12m 0s; 2 files waiting");
  facts.parked = {ParkReason::paused};
  CHECK(status_line(facts) == "parked: paused for 0ms; 2 files waiting");
}

TEST_CASE("a stopping daemon says what it still waits for") {
  ServiceFacts facts;
  facts.phase = ServicePhase::stopping;
  facts.parked = {ParkReason::paused};
  facts.exchanges = 3;
  CHECK(status_line(facts) == "stopping: 3 exchanges under way");
}

TEST_CASE("the rate is that of the last minute") {
  RateMeter meter;
  const BootTime start{1h};
  CHECK(meter.per_second() == 0);
  meter.note(0, start);
  CHECK(meter.per_second() == 0);
  meter.note(1000, start + 10s);
  CHECK(meter.per_second() == doctest::Approx(100));
  for (int i = 11; i <= 200; ++i)
    meter.note(1000, start + i * 1s);
  CHECK(meter.per_second() == 0);
}

TEST_CASE("many notes within a second keep few points and the right rate") {
  RateMeter meter;
  const BootTime start{1h};
  for (std::uint64_t i = 0; i <= 10'000; ++i)
    meter.note(i, start + i * 1ms);
  CHECK(meter.per_second() == doctest::Approx(1000));
}
