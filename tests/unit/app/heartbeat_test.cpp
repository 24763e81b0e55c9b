#include "usherd/app/heartbeat.hpp"

#include "usherd/ports/timers.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;
using usherd::BootTime;
using usherd::Heartbeat;
using usherd::VitalSigns;
using usherd::WaitFor;
using usherd::Waits;

namespace {

constexpr BootTime kStart{1h};
constexpr auto kBeat = 10s;

Heartbeat heart() {
  return Heartbeat(Heartbeat::Limits{30s, 20s});
}

/// A daemon that delivers, polls, and looks into incoming/.
VitalSigns healthy(BootTime now) {
  VitalSigns signs;
  signs.unfinished = true;
  signs.delivery_waits = 1;
  signs.takes_files = true;
  signs.intake_waits = 1;
  signs.first_due = Waits::Due{now + 1s, WaitFor::poll};
  return signs;
}

/// What the heart says after `beats` beats of the same signs.
std::optional<std::string> after(Heartbeat& heart, const VitalSigns& signs, int beats,
                                 BootTime start = kStart) {
  std::optional<std::string> said;
  for (int i = 0; i < beats; ++i)
    said = heart.beat(signs, start + i * kBeat);
  return said;
}

}  // namespace

TEST_CASE("a daemon whose probes are answered and whose waits are ahead lives") {
  auto heart = ::heart();
  for (int i = 0; i < 10; ++i) {
    const auto now = kStart + i * kBeat;
    heart.sent(Heartbeat::Probe::workers, now);
    heart.sent(Heartbeat::Probe::ledger, now);
    CHECK_FALSE(heart.beat(healthy(now), now));
    heart.answered(Heartbeat::Probe::workers);
    heart.answered(Heartbeat::Probe::ledger);
  }
}

TEST_CASE("workers that do not answer are named") {
  auto heart = ::heart();
  heart.sent(Heartbeat::Probe::workers, kStart);
  CHECK_FALSE(heart.beat(healthy(kStart + 30s), kStart + 30s));
  CHECK_FALSE(heart.beat(healthy(kStart + 40s), kStart + 40s));
  CHECK(heart.beat(healthy(kStart + 50s), kStart + 50s) == "the workers have not answered for 50.0s");
  heart.answered(Heartbeat::Probe::workers);
  CHECK_FALSE(heart.beat(healthy(kStart + 60s), kStart + 60s));
}

TEST_CASE("a ledger that does not answer is named") {
  auto heart = ::heart();
  heart.sent(Heartbeat::Probe::ledger, kStart);
  CHECK_FALSE(heart.beat(healthy(kStart + 40s), kStart + 40s));
  CHECK(heart.beat(healthy(kStart + 50s), kStart + 50s) == "the ledger has not answered for 50.0s");
}

TEST_CASE("a change that is neither durable nor refused is named; one after the other is work") {
  auto heart = ::heart();
  auto signs = healthy(kStart);
  signs.first_due.reset();
  signs.ledger_asked = 5;
  signs.ledger_answered = 3;
  CHECK_FALSE(after(heart, signs, 5));
  CHECK(heart.beat(signs, kStart + 50s) ==
        "2 changes of the ledger are neither durable nor refused after 50.0s");
  // Committing all the time, and always behind by some, is life.
  for (int i = 6; i < 30; ++i) {
    signs.ledger_asked += 100;
    signs.ledger_answered += 100;
    CHECK_FALSE(heart.beat(signs, kStart + i * kBeat));
  }
}

TEST_CASE("a wait long past its due time is named") {
  auto heart = ::heart();
  auto signs = healthy(kStart);
  signs.first_due = Waits::Due{kStart, WaitFor::page_again};
  CHECK_FALSE(after(heart, signs, 4));
  CHECK(heart.beat(signs, kStart + 40s) == "a wait (page_again) is overdue by 40.0s");
}

TEST_CASE("a machine that slept is given a turn before anything counts as late") {
  auto heart = ::heart();
  auto signs = healthy(kStart);
  heart.sent(Heartbeat::Probe::workers, kStart);
  CHECK_FALSE(heart.beat(signs, kStart));
  const auto woken = kStart + 48h;
  CHECK_FALSE(heart.beat(signs, woken));
  heart.answered(Heartbeat::Probe::workers);
  CHECK_FALSE(heart.beat(healthy(woken + kBeat), woken + kBeat));
}

TEST_CASE(
    "records on their way wait for something with a due time, for a worker, the ledger, or the operator") {
  auto signs = healthy(kStart);
  signs.first_due.reset();
  signs.delivery_waits = 0;
  auto heart = ::heart();
  CHECK(after(heart, signs, 2) == "records are on their way, and nothing with a due time is waited for");
  for (const int kind : {0, 1, 2, 3, 4}) {
    auto good = signs;
    if (kind == 0)
      good.delivery_waits = 1;
    else if (kind == 1)
      good.jobs = 1;
    else if (kind == 2)
      good.ledger_asked = 1;
    else if (kind == 3)
      good.stands_still = true;
    else
      good.unfinished = false;
    auto other = ::heart();
    CHECK_FALSE(after(other, good, 3));
  }
}

TEST_CASE("a daemon that takes files waits for its next look") {
  auto signs = healthy(kStart);
  signs.first_due.reset();
  signs.intake_waits = 0;
  auto heart = ::heart();
  CHECK(after(heart, signs, 2) == "nothing will look into incoming/ again");
  signs.takes_files = false;
  auto drain = ::heart();
  CHECK_FALSE(after(drain, signs, 3));
}

TEST_CASE("one bad look is no verdict, and neither are two different ones") {
  auto heart = ::heart();
  auto stuck = healthy(kStart);
  stuck.first_due.reset();
  stuck.delivery_waits = 0;
  CHECK_FALSE(heart.beat(stuck, kStart));
  auto blind = healthy(kStart);
  blind.first_due.reset();
  blind.intake_waits = 0;
  CHECK_FALSE(heart.beat(blind, kStart + kBeat));
  CHECK_FALSE(heart.beat(stuck, kStart + 2 * kBeat));
  CHECK(heart.beat(stuck, kStart + 3 * kBeat));
}
