#include "usherd/settle/user_history.hpp"

#include "tests/unit/settle/replay_bench.hpp"

using namespace usherd;
using namespace usherd::test;

namespace {

using State = TracedUpdate::State;

std::vector<State> states(const UserHistory::Story& story) {
  std::vector<State> all;
  for (const auto& update : story.updates)
    all.push_back(update.state);
  return all;
}

}  // namespace

TEST_CASE("each update of a user is told with where it is or how it ended, in the order of acceptance") {
  ReplayBench bench;
  bench.file(1, {R"({"uid":"a"})", R"({"uid":"b"})", R"({"id":"a"})"}, 3);
  bench.batch(1, 1, 1, {"a", "b"});
  bench.end(1, 1, {});
  bench.file(2, {R"({"uid":"a"})"}, 1);
  bench.batch(2, 2, 1, {"a"});
  bench.file(3, {R"({"uid":"c"})", R"({"uid":"\u0061"})"}, 0);
  const auto story = bench.history("a");
  REQUIRE(story.updates.size() == 3);
  CHECK(states(story) == std::vector{State::imported, State::frozen, State::waiting});
  CHECK(story.updates[0].file == "f1.ndjson");
  CHECK(story.updates[0].line == 1);
  CHECK(story.updates[0].batch == 1);
  CHECK(story.updates[2].line == 2);
  CHECK(story.updates[2].batch == 0);
  CHECK(bench.unsearched.count() == 0);
  CHECK(bench.history("nobody").updates.empty());
}

TEST_CASE("updates that stand on one line are told in the order of their records") {
  ReplayBench bench;
  bench.names[1] = "f1.json";
  bench.file(1, {R"({"uid":"a"})", R"({"uid":"b"})", R"({"uid":"a"})"}, 2);
  bench.batch(1, 1, 1, {"a", "b"});
  const auto story = bench.history("a");
  REQUIRE(story.updates.size() == 2);
  CHECK(states(story) == std::vector{State::frozen, State::waiting});
  CHECK(story.updates[0].line == 1);
  CHECK(story.updates[0].record == 1);
  CHECK(story.updates[1].line == 1);
  CHECK(story.updates[1].record == 3);
}

TEST_CASE("many users are told of as each would be alone") {
  ReplayBench bench;
  bench.file(1, {R"({"uid":"a","id":"i"})", R"({"uid":"b"})", R"({"uid":"c"})", R"({"id":"d"})"}, 4);
  bench.batch(1, 1, 1, {"a", "b", "c"});
  bench.end(1, 1, {"b"});
  bench.reject(1, 2, Stage::api, "bad", R"({"uid":"b","id":"d"})", 1);
  bench.reject(7, 4, Stage::local, "email_too_long", R"({"uid":"c"})", 0);
  bench.file(2, {R"({"uid":"a"})", R"({"uid":"e","id":"e"})"}, 0);
  const std::vector<std::string> users{"e", "b", "nobody", "a", "c", "i", "d"};
  const auto together = bench.histories(users);
  REQUIRE(together.size() == users.size());
  for (std::size_t i = 0; i < users.size(); ++i) {
    CAPTURE(users[i]);
    const auto alone = bench.history(users[i]);
    CHECK(states(together[i]) == states(alone));
    REQUIRE(together[i].updates.size() == alone.updates.size());
    for (std::size_t j = 0; j < alone.updates.size(); ++j) {
      CHECK(together[i].updates[j].file == alone.updates[j].file);
      CHECK(together[i].updates[j].line == alone.updates[j].line);
      CHECK(together[i].updates[j].code == alone.updates[j].code);
    }
  }
}

TEST_CASE("of users with too many updates to hold so many are told of as fit") {
  ReplayBench bench;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < UserHistory::kMost; ++i)
    lines.push_back(i % 4 == 0 ? R"({"uid":"a"})" : R"({"uid":"b"})");
  lines.emplace_back(R"({"uid":"c"})");
  bench.file(1, lines, 0);
  CHECK(bench.histories({"a", "c"}).size() == 2);
  const auto cut = bench.histories({"a", "b", "c"});
  REQUIRE(cut.size() == 1);
  CHECK(cut[0].updates.size() == UserHistory::kMost / 4);
  CHECK(bench.history("b").updates.size() == UserHistory::kMost * 3 / 4);
}

TEST_CASE("of files that are not converted yet all are counted and the first are named, for all users once") {
  ReplayBench bench;
  bench.file(1, {R"({"uid":"a"})"}, 0);
  for (FileNumber number = 2; number < 1000; ++number)
    bench.unconverted(number);
  CHECK(bench.histories({"a", "b"}).front().updates.size() == 1);
  CHECK(bench.unsearched.count() == 998);
  REQUIRE(bench.unsearched.names().size() == Unsearched::kMostNames);
  CHECK(bench.unsearched.names().front() == "f2.ndjson");
  CHECK(bench.unsearched.names().back() == "f21.ndjson");
}

TEST_CASE("why a file was not looked into is told for each") {
  using Why = Unsearched::Why;
  ReplayBench bench;
  for (FileNumber number = 1; number < 5; ++number)
    bench.file(number, {R"({"uid":"b"})"}, 0);
  bench.unconverted(5);
  bench.unconverted(6);
  bench.disk.put(bench.layout.working() + "/" + sample_file(6).working, "uid\n1\n");
  const auto stands = [&](FileNumber number) {
    return bench.layout.working() + "/" + SpoolLayout::working_name(number, bench.name(number));
  };
  REQUIRE(bench.disk.remove(stands(1)));
  // Settled since the ledger was asked.
  REQUIRE(bench.disk.rename(stands(2), bench.layout.done() + "/" + bench.name(2)));
  CHECK(bench.history("a").updates.empty());
  CHECK(bench.unsearched.names() ==
        std::vector<std::string>{"f1.ndjson", "f2.ndjson", "f5.ndjson", "f6.ndjson"});
  CHECK(bench.unsearched.reasons() == std::vector{Why::missing, Why::settled, Why::missing, Why::converting});
  CHECK(word_of(Why::missing) == "missing");
}

TEST_CASE("a reject is told with its code, and what a dropped reject line leaves open is called so") {
  ReplayBench bench;
  bench.file(1, {R"({"uid":"a"})", R"({"uid":"b"})", R"({"uid":"c"})"}, 3);
  bench.batch(1, 1, 1, {"a", "b", "c"});
  bench.end(1, 1, {"a"});
  bench.reject(1, 1, Stage::api, "bad", R"({"uid":"a"})", 1);
  bench.reject(7, 4, Stage::local, "email_too_long", R"({"uid":"a"})", 0);
  const auto story = bench.history("a");
  CHECK(states(story) == std::vector{State::rejected, State::rejected});
  CHECK(story.updates[0].sequence == 0);
  CHECK(story.updates[0].code == "email_too_long");
  CHECK(story.updates[1].code == "bad");
  CHECK(states(bench.history("b")) == std::vector{State::imported});
  bench.forget_rejects(1);
  CHECK(states(bench.history("b")) == std::vector{State::ended});
}

TEST_CASE("what was merged, and what waits by itself after its merged record was refused, is told") {
  ReplayBench bench;
  bench.file(1, {R"({"uid":"a","properties":{"n":1}})", R"({"uid":"a","properties":{"n":2}})"}, 2);
  bench.merged(1, 1, "a", {1, 2});
  CHECK(states(bench.history("a")) == std::vector{State::frozen, State::frozen});
  bench.take_apart(1, 1);
  CHECK(states(bench.history("a")) == std::vector{State::waiting, State::waiting});

  ReplayBench other;
  other.file(1, {R"({"uid":"a","properties":{"n":1}})", R"({"uid":"a","properties":{"n":2}})"}, 2);
  other.merged(1, 1, "a", {1, 2});
  other.end(1, 1, {});
  CHECK(states(other.history("a")) == std::vector{State::merged, State::imported});
}

TEST_CASE("a reject line that lost its record tells by its place whose it was") {
  ReplayBench bench;
  bench.file(1, {R"({"uid":"a"})", R"({"uid":"b"})", R"({"uid":"c"})"}, 3);
  bench.batch(1, 1, 1, {"a", "b", "c"});
  bench.end(1, 1, {"a", "b"});
  bench.reject(1, 1, Stage::unknown, "file_changed", "", 1);
  bench.reject(1, 2, Stage::unknown, "file_changed", "", 1);
  const auto stories = bench.histories({"a", "b", "c"});
  CHECK(states(stories[0]) == std::vector{State::unknown});
  CHECK(stories[0].updates[0].code == "file_changed");
  CHECK(states(stories[1]) == std::vector{State::unknown});
  CHECK(states(stories[2]) == std::vector{State::imported});
  CHECK(states(bench.history("b")) == std::vector{State::unknown});
}

TEST_CASE("a user in very many rejects is told of without a look at all others for each") {
  constexpr std::uint64_t kRejects = 300'000;
  ReplayBench bench;
  bench.file(1, {R"({"uid":"a"})"}, 1);
  bench.file(2, {R"({"uid":"a"})"}, 1);
  // By its name this one is read first.
  bench.file(10, {R"({"uid":"a"})"}, 1);
  bench.reject(10, 1, Stage::local, "newest", R"({"uid":"a"})", 0);
  bench.reject(1, 1, Stage::local, "old", R"({"uid":"a"})", 0);
  RejectLine reject;
  reject.file = "f2.ndjson";
  reject.record = R"({"uid":"a"})";
  std::string many;
  while (reject.line++ < kRejects)
    append_reject_line(many, reject);
  bench.disk.put(bench.rejects_path(2), many);
  const auto story = bench.history("a");
  CHECK(story.cut);
  REQUIRE(story.updates.size() == UserHistory::kMost);
  CHECK(story.updates.front().line == kRejects - UserHistory::kMost + 2);
  CHECK(story.updates.back().code == "newest");
}
