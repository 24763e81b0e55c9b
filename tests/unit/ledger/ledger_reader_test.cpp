#include "usherd/ledger/ledger_reader.hpp"

#include "tests/unit/ledger/scratch.hpp"

#include <array>

namespace usherd::test {
namespace {

struct Place {
  BatchId batch;
  std::size_t operation;
  std::uint64_t key;
  friend bool operator==(const Place&, const Place&) = default;
};

std::vector<Place> find(LedgerReader& reader, std::vector<std::uint64_t> keys) {
  std::vector<Place> found;
  CHECK(reader.find_users(keys, [&](const LedgerReader::Found& one) -> Result<void> {
    found.push_back({one.batch, one.operation, one.key});
    return {};
  }));
  return found;
}

}  // namespace

TEST_CASE("a user is found in every batch that holds one of its keys, beside a ledger in use") {
  LedgerBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  for (BatchId id = 1; id <= 3; ++id)
    REQUIRE(bench.commit([id](Ledger& ledger) { return add_batch(ledger, id); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 2); }));
  const auto reader = LedgerReader::open(bench.scratch.path());
  REQUIRE(reader.has_value());
  const std::uint64_t last = 0xFFFFFFFFFFFFFFFF;
  CHECK(find(**reader, {last}) == std::vector<Place>{{1, 2, last}, {2, 2, last}, {3, 2, last}});
  CHECK(find(**reader, {last, 7}).size() == 6);  // 7 is a second key
  CHECK(find(**reader, {42}).empty());
  CHECK(find(**reader, {}).empty());
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 4); }));
  CHECK(find(**reader, {1}).size() == 4);
  const auto ended = (*reader)->batch(2);
  REQUIRE(ended.has_value());
  CHECK(ended->state == BatchState::ended);
  CHECK(ended->manifest == sample_batch(2).manifest);
  CHECK(ended->finished == wall(1764000009000));
  CHECK((*reader)->batch(9).error().code == Errc::not_found);
  CHECK((*reader)->file(1).value()->name == "users~1.ndjson");
  CHECK((*reader)->file_named("users~1.ndjson").value()->number == 1);
  CHECK_FALSE((*reader)->file_named("other").value().has_value());
  CHECK((*reader)->open_files(0, 10).value().size() == 1);
}

TEST_CASE("a batch that never ran holds nobody") {
  LedgerBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.batch_retired(1); }));
  const auto reader = LedgerReader::open(bench.scratch.path());
  REQUIRE(reader.has_value());
  CHECK(find(**reader, {1}).empty());
}

TEST_CASE(
    "the users of merged records that were taken apart go with them, and the others keep their places") {
  LedgerBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  auto batch = sample_batch(1);
  batch.manifest.literals = {{0, 30, {{1, 200, 20, 9, 1}, {1, 300, 20, 12, 1}}},
                             {30, 30, {{1, 400, 20, 13, 1}, {1, 500, 20, 14, 1}}}};
  batch.users = {1, 2, 3, 41, 42};
  batch.seconds = {};
  const Share frozen = share_of(1, 7, 520);
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.insert_batch(batch, {&frozen, 1}); }));
  const Share ended = all_imported(share_of(1, 5, 520));
  Manifest without = batch.manifest;
  without.literals.erase(without.literals.begin());
  const auto apart = batch.manifest.literals.front().sources;
  REQUIRE(bench.commit([&](Ledger& ledger) {
    return ledger.batch_ended(1, {&ended, 1}, wall(9), &without, apart);
  }));
  const auto reader = LedgerReader::open(bench.scratch.path());
  REQUIRE(reader.has_value());
  CHECK(find(**reader, {3, 41, 42}) == std::vector<Place>{{1, 2, 3}, {1, 3, 42}});
  CHECK((*reader)->singles().value() == apart);
  CHECK((*reader)->outcomes(1, 1).value()->imported == 5);
  CHECK_FALSE((*reader)->outcomes(1, 2).value().has_value());
}

TEST_CASE("a reader that holds still sees nothing of what is committed since") {
  LedgerBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  const auto reader = LedgerReader::open(bench.scratch.path());
  REQUIRE(reader.has_value());
  REQUIRE((*reader)->hold_still());
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 2); }));
  CHECK((*reader)->last_file_number().value() == 1);
  CHECK_FALSE((*reader)->file(2).value().has_value());
  REQUIRE((*reader)->hold_still());
  CHECK((*reader)->last_file_number().value() == 2);
  CHECK((*reader)->last_forgotten().value() == 0);
}

TEST_CASE("where there is no ledger none is made") {
  const Scratch scratch;
  CHECK_FALSE(LedgerReader::open(scratch.path()).has_value());
  CHECK_FALSE(std::filesystem::exists(scratch.ledger_file()));
}

}  // namespace usherd::test
