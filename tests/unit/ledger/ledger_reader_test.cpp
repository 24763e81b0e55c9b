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

TEST_CASE("where there is no ledger none is made") {
  const Scratch scratch;
  CHECK_FALSE(LedgerReader::open(scratch.path()).has_value());
  CHECK_FALSE(std::filesystem::exists(scratch.ledger_file()));
}

}  // namespace usherd::test
