#include "usherd/app/identity.hpp"

#include "tests/fakes/inline_workers.hpp"
#include "tests/fakes/scripted_transport.hpp"
#include "tests/unit/ledger/scratch.hpp"
#include "tests/unit/submit/loop.hpp"
#include "usherd/ports/task_group.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>
#include <utility>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

Exchange me(const std::string& organisation) {
  auto answer = fakes::answered(200);
  answer.body = R"({"email":"a@b.c","orgId":")" + organisation + R"(","role":"ADMIN"})";
  return answer;
}

struct Bench {
  test::LedgerBench ledger;
  test::Loop loop;
  std::ostringstream lines;
  std::shared_ptr<Log> log =
      std::make_shared<Log>("identity", std::make_shared<spdlog::sinks::ostream_sink_st>(lines));
  Random random{7};
  GroupCommit commit{*ledger.ledger, fakes::InlineWorkers(loop.context)};
  RequestGate gate{loop.executor(), loop.timers, TokenBucket(1000, 1000), *log};
  fakes::ScriptedTransport transport{loop.executor()};
  SessionPool sessions{loop.executor(), transport, 2};
  std::function<void()> reread = [] {};
  ApiClient api{ApiClient::Options{[] { return std::string("Basic k"); }, [this] { reread(); }, {}}, gate,
                sessions, loop.timers, *log};
  Identity identity{Identity::Parts{api, commit, loop.timers, random, *log, "https://api"}};
  TaskGroup tasks{loop.executor()};

  Bench() = default;
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    gate.close();
    loop.poll();
    tasks.cancel();
    loop.poll();
  }
  void knows(const std::string& organisation) {
    REQUIRE(ledger.commit([&](Ledger& open) { return open.set_fact("org_id", organisation); }));
  }
  void has_work() {
    SpoolFile file;
    file.number = 1;
    file.name = file.original = "a.ndjson";
    file.working = "000000000001-a.ndjson";
    REQUIRE(ledger.commit([&](Ledger& open) { return open.insert_file(file); }));
  }
  void start() {
    tasks.spawn(identity.run());
    loop.poll();
  }
  [[nodiscard]] bool posts_wait() { return gate.closed_for(CallKind::post); }
  [[nodiscard]] bool parked() const { return gate.parking().holds(ParkReason::organisation); }
  [[nodiscard]] std::string noted() { return ledger->fact("org_id").value().value_or("none"); }
};

}  // namespace

TEST_CASE("The organisation of the first key is noted, and nothing waits for it") {
  Bench bench;
  bench.transport.hold();
  bench.start();
  CHECK_FALSE(bench.posts_wait());
  bench.transport.push(me("o-1"));
  bench.transport.release();
  bench.loop.poll();
  CHECK(bench.noted() == "o-1");
  CHECK_FALSE(bench.parked());
}

TEST_CASE("Unfinished work waits until its own organisation answers") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  bench.transport.hold();
  bench.start();
  CHECK(bench.posts_wait());
  bench.transport.push(me("o-1"));
  bench.transport.release();
  bench.loop.poll();
  CHECK_FALSE(bench.posts_wait());
  CHECK(bench.transport.requests().size() == 1);
}

TEST_CASE("Another organisation parks unfinished work until the old key is back") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  bench.transport.push(me("o-2"));
  bench.start();
  CHECK(bench.parked());
  CHECK(bench.posts_wait());
  CHECK(bench.noted() == "o-1");
  bench.transport.push(me("o-1"));
  bench.identity.key_changed();
  bench.loop.poll();
  CHECK_FALSE(bench.parked());
  CHECK_FALSE(bench.posts_wait());
}

TEST_CASE("A key of another organisation is looked at again, and the old one ends the park by itself") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  std::string in_file = "o-2";
  std::string in_use = in_file;
  bench.reread = [&] {
    if (std::exchange(in_use, in_file) != in_file)
      bench.identity.key_changed();
  };
  bench.transport.handle([&](const Request&, const std::string&) { return me(in_use); });
  bench.start();
  REQUIRE(bench.parked());
  bench.loop.pass(10min);
  CHECK(bench.parked());
  // At a pace that grows to a minute, and said once.
  CHECK(bench.transport.requests().size() >= 10);
  CHECK(bench.transport.requests().size() <= 16);
  const auto said = bench.lines.str();
  const std::string error = "the unfinished work in the spool";
  REQUIRE(said.find(error) != std::string::npos);
  CHECK(said.find(error) == said.rfind(error));
  in_file = "o-1";
  bench.loop.pass(1min);
  CHECK_FALSE(bench.parked());
  CHECK_FALSE(bench.posts_wait());
}

TEST_CASE("Work that ended while another organisation was parked ends that") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  bench.transport.handle([&](const Request&, const std::string&) { return me("o-2"); });
  bench.start();
  REQUIRE(bench.parked());
  REQUIRE(bench.ledger.commit([](Ledger& open) { return open.file_refused(1, "bad_name", ""); }));
  REQUIRE(bench.ledger.commit([](Ledger& open) { return open.file_settled(1, 0, {}, WallTime{}); }));
  bench.loop.pass(2s);
  CHECK_FALSE(bench.parked());
  CHECK(bench.noted() == "o-2");
}

TEST_CASE("Who resumes means the key of another organisation, also while it is asked about again") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  bench.transport.push(me("o-2"));
  bench.start();
  REQUIRE(bench.parked());
  bench.transport.hold();
  bench.transport.push(me("o-2"));
  bench.loop.pass(2s);
  bench.gate.clear(ParkReason::organisation);
  bench.transport.release();
  bench.loop.pass(10min);
  CHECK_FALSE(bench.parked());
  CHECK_FALSE(bench.posts_wait());
  CHECK(bench.transport.requests().size() == 2);
}

TEST_CASE("What unfinished work is parked for is told, for who resumes") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  CHECK_FALSE(bench.identity.parked_for());
  bench.transport.handle([&](const Request&, const std::string&) { return me("o-2"); });
  bench.start();
  const auto parked_for = bench.identity.parked_for();
  REQUIRE(parked_for);
  CHECK(parked_for->org_id == "o-2");
  CHECK(parked_for->base_url == "https://api");
  REQUIRE(bench.ledger.commit([&](Ledger& open) { return parked_for->note(open); }));
  bench.gate.clear(ParkReason::organisation);
  CHECK_FALSE(bench.identity.parked_for());
  bench.identity.key_changed();
  bench.loop.poll();
  CHECK_FALSE(bench.parked());
  CHECK_FALSE(bench.posts_wait());
}

TEST_CASE("A good key of another organisation is not called refused for what the key before it met") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  bench.transport.push(me("o-1"));
  bench.start();
  bench.gate.park(ParkReason::credentials, CallKind::read);
  bench.transport.push(me("o-2"));
  bench.identity.key_changed();
  bench.loop.pass(2s);
  REQUIRE(bench.parked());
  CHECK_FALSE(bench.gate.parking().holds(ParkReason::credentials));
}

TEST_CASE("Without unfinished work the ledger moves to the new organisation") {
  Bench bench;
  bench.knows("o-1");
  bench.transport.push(me("o-2"));
  bench.start();
  CHECK_FALSE(bench.parked());
  CHECK(bench.noted() == "o-2");
}

TEST_CASE("An answer that names no organisation holds nothing up") {
  for (const unsigned status : {404U, 500U, 503U, 403U}) {
    CAPTURE(status);
    Bench bench;
    bench.knows("o-1");
    bench.has_work();
    bench.transport.push(fakes::answered(status));
    bench.start();
    CHECK_FALSE(bench.posts_wait());
    CHECK(bench.transport.requests().size() == 1);
  }
}

TEST_CASE("An answer that cannot be read holds nothing up; one that never came does") {
  for (const auto code : {Errc::invalid, Errc::unavailable, Errc::timeout}) {
    Bench bench;
    bench.knows("o-1");
    bench.has_work();
    bench.transport.push(fakes::lost(Progress::answer_started, code));
    bench.start();
    CHECK(bench.posts_wait() == (code != Errc::invalid));
  }
}

TEST_CASE("Unfinished work that goes to another address, and nobody knows whose that is, is warned of once") {
  const std::string warning =
      "unfinished work that was begun for https://old now goes to https://api, and nobody could tell whether "
      "that is the same organisation; ";
  auto nameless = fakes::answered(200);
  nameless.body = R"({"role":"ADMIN"})";
  for (const auto& answer : {fakes::answered(404), fakes::answered(503), nameless}) {
    for (const auto* before : {"https://old", "https://api"}) {
      CAPTURE(before);
      Bench bench;
      bench.knows("o-1");
      bench.has_work();
      REQUIRE(
          bench.ledger.commit([&](Ledger& open) { return open.set_fact("base_url", std::string(before)); }));
      bench.transport.push(answer);
      bench.transport.push(answer);
      bench.start();
      bench.identity.key_changed();
      bench.loop.poll();
      CHECK(bench.transport.requests().size() == 2);
      const auto said = bench.lines.str();
      const auto first = said.find(warning);
      CHECK((first != std::string::npos) == (std::string(before) == "https://old"));
      CHECK(said.find(warning, first == std::string::npos ? first : first + 1) == std::string::npos);
      CHECK_FALSE(bench.posts_wait());
    }
  }
}

TEST_CASE("No answer at all proves nothing: work that may go astray waits, and it is asked again") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  bench.transport.push(fakes::lost(Progress::nothing));
  bench.transport.push(fakes::lost(Progress::body_written));
  bench.transport.push(me("o-1"));
  bench.start();
  CHECK(bench.posts_wait());
  bench.loop.pass(3s);
  CHECK_FALSE(bench.posts_wait());
  CHECK(bench.transport.requests().size() == 3);
}

TEST_CASE(
    "A key that changes holds everything until it is known whose it is, also while an answer is under way") {
  Bench bench;
  bench.knows("o-1");
  bench.has_work();
  bench.transport.push(me("o-1"));
  bench.start();
  REQUIRE_FALSE(bench.posts_wait());
  bench.transport.hold();
  bench.identity.key_changed();
  // At once: before anybody has had a turn.
  CHECK(bench.posts_wait());
  bench.loop.poll();
  CHECK(bench.posts_wait());
  bench.identity.key_changed();
  bench.transport.push(me("o-1"));
  bench.transport.push(me("o-2"));
  bench.transport.release();
  bench.loop.pass(3s);
  CHECK(bench.parked());
}
