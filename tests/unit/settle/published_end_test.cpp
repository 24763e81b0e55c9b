#include "usherd/settle/published_end.hpp"

#include "tests/unit/settle/ended_bench.hpp"

namespace usherd::test {
TEST_CASE("a published end is read back as it was told") {
  EndedBench bench;
  const auto file = *bench.ledger->file(1).value();
  CHECK_FALSE(read_published_end(bench.disk, bench.layout, file).value());
  REQUIRE(bench.settle(kAll));
  const auto end = read_published_end(bench.disk, bench.layout, file).value();
  REQUIRE(end);
  CHECK_FALSE(end->refused);
  CHECK(end->records == 10);
  CHECK(end->outcomes == Outcomes{5, 3, 1, 1, 3});
  CHECK(end->finished == wall(1764000001000));
  REQUIRE(end->batches.size() == 2);
  CHECK(end->batches[1].batch == 2);
  CHECK(end->batches[1].share.outcomes == Outcomes{1, 0, 1, 1, 0});
  const auto refused = read_published_end(bench.disk, bench.layout, *bench.ledger->file(2).value()).value();
  REQUIRE(refused);
  CHECK(refused->refused);
  CHECK(refused->code == "unknown_format");
}

TEST_CASE("the receipt of another file of that name tells nothing") {
  EndedBench bench;
  auto file = *bench.ledger->file(1).value();
  REQUIRE(bench.settle(kAll));
  SUBCASE("another number") {
    file.number = 11;
  }
  SUBCASE("another time") {
    file.accepted += std::chrono::milliseconds(1);
  }
  CHECK_FALSE(read_published_end(bench.disk, bench.layout, file).value());
}

TEST_CASE("a receipt that cannot be understood is no end") {
  EndedBench bench;
  const auto file = *bench.ledger->file(1).value();
  REQUIRE(bench.settle(kAll));
  const auto path = bench.layout.done() + "/a.ndjson.receipt.json";
  const auto text = read_file(path);
  write_file(path, text.substr(0, text.size() / 2));
  CHECK(read_published_end(bench.disk, bench.layout, file).error().code == Errc::corrupt);
}

TEST_CASE("a settlement that was cut short is not taken for that of another state") {
  std::size_t effects = 0;
  {
    EndedBench bench;
    REQUIRE(bench.settle(kAll));
    effects = bench.files.effects();
  }
  for (std::size_t effect = 1; effect <= effects; ++effect) {
    CAPTURE(effect);
    EndedBench bench;
    bench.files.die_at(effect, true);
    REQUIRE_FALSE(bench.settle(kAll));
    CHECK(refuse_older_state(bench.disk, bench.layout, *bench.ledger.ledger));
  }
}

TEST_CASE("a state that knows a published file as unfinished is refused, and told apart from a lost file") {
  EndedBench ended;
  REQUIRE(ended.settle(kAll));
  SpoolBench older;
  older.accept(1, "a.ndjson", std::string(300, 'a'));
  older.accept(2, "b.bin", "\x7F\x45");
  Ledger& ledger = *older.ledger.ledger;
  CHECK(refuse_older_state(ended.disk, ended.layout, ledger).error().code == Errc::corrupt);
  for (const FileNumber number : {1, 2})
    CHECK(ended_elsewhere(ended.disk, ended.layout, ledger, *ledger.file(number).value()).value());
  std::filesystem::remove(ended.layout.done() + "/a.ndjson.receipt.json");
  CHECK_FALSE(ended_elsewhere(ended.disk, ended.layout, ledger, *ledger.file(1).value()).value());
}
}  // namespace usherd::test
