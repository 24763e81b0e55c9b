#include "usherd/settle/expiry.hpp"

#include "tests/unit/settle/spool_bench.hpp"

#include <filesystem>
#include <optional>

namespace usherd::test {
namespace {

constexpr KeepTimes kKeep{Milliseconds{100}, Milliseconds{1000}};

/// Three settled files, finished at 0: one clean, one with a reject, one refused whole.
struct SettledBench : SpoolBench {
  Expiry expiry{files, layout};

  SettledBench() {
    Outcomes one_unknown;
    one_unknown.unknown = 1;
    add(1, "a.ndjson", imported(1));
    add(2, "b.ndjson", one_unknown);
    write_file(layout.rejected() + "/b.ndjson.rejects.ndjson", "{}\n");
    REQUIRE(ledger.commit([](Ledger& changed) {
      auto file = sample_file(3);
      file.name = "c.bin";
      file.state = FileState::refused;
      file.refusal_code = "unknown_format";
      return changed.insert_file(file);
    }));
    REQUIRE(ledger.commit([](Ledger& changed) { return changed.file_settled(3, 0, {}, wall(0)); }));
    write_file(layout.rejected() + "/c.bin", "c");
    write_file(layout.rejected() + "/c.bin.error.json", "{}\n");
  }

  void add(FileNumber number, const std::string& name, const Outcomes& outcomes) {
    REQUIRE(ledger.commit([&](Ledger& changed) {
      auto file = sample_file(number);
      file.name = name;
      auto added = changed.insert_file(file);
      return added ? changed.file_ready(number, false, 0) : added;
    }));
    REQUIRE(
        ledger.commit([&](Ledger& changed) { return changed.file_settled(number, 1, outcomes, wall(0)); }));
    write_file(layout.done() + "/" + name, "x");
    write_file(layout.done() + "/" + name + ".receipt.json", "{}\n");
  }

  Result<void> expire(std::int64_t now, KeepTimes keep = kKeep, std::size_t most = 10) {
    ExpiryMark reached;
    std::optional<Error> kept;
    while (true) {
      auto due = Expiry::gather(*ledger.ledger, wall(now), keep, most, reached);
      if (!due)
        return due.error();
      if (due->empty())
        return kept ? Result<void>(*kept) : Result<void>();
      reached = due->reached;
      auto removed = expiry.remove(*due, kept);
      if (!removed)
        return removed;
      auto committed = files.effect(
          [&] { return ledger.commit([&](Ledger& changed) { return Expiry::commit(changed, *due); }); });
      if (!committed)
        return committed;
    }
  }
  std::vector<FileNumber> known() {
    std::vector<FileNumber> numbers;
    for (const auto& file : ledger->finished_before(wall(1'000'000), 10).value())
      numbers.push_back(file.number);
    return numbers;
  }
};

}  // namespace

TEST_CASE("nothing goes before its time") {
  SettledBench bench;
  REQUIRE(bench.expire(100));
  CHECK(bench.names().size() == 7);
  CHECK(bench.known() == std::vector<FileNumber>{1, 2, 3});
}

TEST_CASE("What cannot be removed keeps its row, and keeps none of the others") {
  SettledBench bench;
  std::size_t group = 10;
  SUBCASE("of its group") {}
  SUBCASE("that come in later groups") {
    group = 1;
  }
  const auto stays = bench.layout.done() + "/a.ndjson";
  std::filesystem::remove(stays);
  std::filesystem::create_directory(stays);
  CHECK_FALSE(bench.expire(1001, kKeep, group));
  CHECK(bench.known() == std::vector<FileNumber>{1});
  CHECK(std::filesystem::exists(bench.layout.done() + "/a.ndjson.receipt.json"));
  CHECK(bench.names().size() == 1);
  std::filesystem::remove(stays);
  CHECK(bench.expire(1001));
  CHECK(bench.known().empty());
}

TEST_CASE("done files go first, rejects later, and a row with the last of both") {
  SettledBench bench;
  REQUIRE(bench.expire(101));
  CHECK(bench.names() == std::vector<std::string>{"rejected/b.ndjson.rejects.ndjson", "rejected/c.bin",
                                                  "rejected/c.bin.error.json"});
  CHECK(bench.known() == std::vector<FileNumber>{2, 3});
  CHECK(bench.ledger->name_taken("b.ndjson").value());
  REQUIRE(bench.expire(1001));
  CHECK(bench.names().empty());
  CHECK(bench.known().empty());
}

TEST_CASE("rejects may be kept for less time than done files") {
  SettledBench bench;
  constexpr KeepTimes kTurned{Milliseconds{1000}, Milliseconds{100}};
  REQUIRE(bench.expire(101, kTurned));
  CHECK(bench.names() == std::vector<std::string>{"done/a.ndjson", "done/a.ndjson.receipt.json",
                                                  "done/b.ndjson", "done/b.ndjson.receipt.json"});
  CHECK(bench.known() == std::vector<FileNumber>{1, 2});
  REQUIRE(bench.expire(1001, kTurned));
  CHECK(bench.names().empty());
  CHECK(bench.known().empty());
}

TEST_CASE("a small group is repeated until nothing is due") {
  SettledBench bench;
  REQUIRE(bench.expire(1001, kKeep, 1));
  CHECK(bench.names().empty());
  CHECK(bench.known().empty());
}

TEST_CASE("expiry may die at any effect, and ends the same when it is done again") {
  SettledBench reference;
  REQUIRE(reference.expire(1001));
  const auto effects = reference.files.effects();
  REQUIRE(effects >= 10);
  for (const bool after : {false, true}) {
    for (std::size_t effect = 1; effect <= effects; ++effect) {
      CAPTURE(effect);
      CAPTURE(after);
      SettledBench bench;
      bench.files.die_at(effect, after);
      REQUIRE_FALSE(bench.expire(1001));
      bench.files.die_at(0, false);
      REQUIRE(bench.expire(1001));
      CHECK(bench.names().empty());
      CHECK(bench.known().empty());
    }
  }
}

}  // namespace usherd::test
