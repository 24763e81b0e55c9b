#include "tests/unit/ledger/scratch.hpp"

namespace usherd::test {
namespace {

std::vector<BatchRow> open_batches(LedgerBench& bench) {
  std::vector<BatchRow> found;
  CHECK(bench->open_batches([&](BatchRow batch) -> Result<void> {
    found.push_back(std::move(batch));
    return {};
  }));
  return found;
}

std::vector<Manifest> coverage(LedgerBench& bench, FileNumber file, std::uint64_t offset) {
  std::vector<Manifest> found;
  CHECK(bench->coverage(file, offset, [&](const Manifest& manifest) -> Result<void> {
    found.push_back(manifest);
    return {};
  }));
  return found;
}

/// A bench with file 1 ready.
struct BatchBench : LedgerBench {
  BatchBench() {
    REQUIRE(commit([](Ledger& fresh) { return add_ready_file(fresh, 1); }));
  }
};

SendTime sent_at(std::int64_t ms) {
  return {wall(ms), BootTime{Milliseconds{ms + 1}}, {}};
}

}  // namespace

TEST_CASE("a frozen batch comes back with everything it came with") {
  BatchBench bench;
  auto batch = sample_batch(4);
  batch.manifest.literals = {{0, 30, {{1, 200, 20, 9, 1}, {1, 300, 20, 12, 1}}}};
  batch.sent = sent_at(77);
  batch.sent->boot_id = "boot-1";
  batch.abandoned = 2;
  batch.rekey_reason = "key_expired";
  batch.tries_without_verdict = 1;
  const Share share = share_of(1, 5, 320);
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.insert_batch(batch, {&share, 1}); }));
  bench.reopen();
  const auto found = open_batches(bench);
  REQUIRE(found.size() == 1);
  CHECK(found[0].id == 4);
  CHECK(found[0].key == batch.key);
  CHECK(found[0].state == BatchState::frozen);
  CHECK(found[0].framing == kFramingVersion);
  CHECK(found[0].body_length == 321);
  CHECK(found[0].digest == batch.digest);
  CHECK(found[0].manifest == batch.manifest);
  CHECK(found[0].users == batch.users);
  CHECK(found[0].seconds == batch.seconds);
  CHECK(found[0].created == batch.created);
  REQUIRE(found[0].sent);
  CHECK(found[0].sent->wall == batch.sent->wall);
  CHECK(found[0].sent->boot == batch.sent->boot);
  CHECK(found[0].sent->boot_id == "boot-1");
  CHECK(found[0].abandoned == 2);
  CHECK(found[0].rekey_reason == "key_expired");
  CHECK(found[0].tries_without_verdict == 1);
  CHECK(found[0].job.empty());
  CHECK_FALSE(found[0].job_created);
  CHECK_FALSE(found[0].submitted);
  CHECK(bench->manifest(4).value() == batch.manifest);
}

TEST_CASE("a batch without key, id or shares, of an unknown file, or with a known key is refused") {
  BatchBench bench;
  const Share share = share_of(1, 3, 100);
  const Share stray = share_of(99, 3, 100);
  const auto insert = [&](const BatchRow& batch, std::span<const Share> shares) {
    return bench.commit([&](Ledger& ledger) { return ledger.insert_batch(batch, shares); });
  };
  auto batch = sample_batch(1);
  CHECK(insert(batch, {}).error().code == Errc::corrupt);
  CHECK(insert(batch, {&stray, 1}).error().code == Errc::corrupt);
  batch.key.clear();
  CHECK(insert(batch, {&share, 1}).error().code == Errc::corrupt);
  REQUIRE(insert(sample_batch(1), {&share, 1}));
  batch = sample_batch(1);
  batch.id = 2;
  CHECK(insert(batch, {&share, 1}).error().code == Errc::corrupt);
  CHECK(open_batches(bench).size() == 1);
}

TEST_CASE("a batch goes from frozen to accepted to ended") {
  BatchBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.set_sent(1, sent_at(5)); }));
  CHECK(open_batches(bench)[0].sent);
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.set_sent(1, std::nullopt); }));
  CHECK_FALSE(open_batches(bench)[0].sent);
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.batch_accepted(1, "job==", wall(7), wall(8)); }));
  const auto accepted = open_batches(bench);
  REQUIRE(accepted.size() == 1);
  CHECK(accepted[0].state == BatchState::accepted);
  CHECK(accepted[0].job == "job==");
  CHECK(accepted[0].job_created == wall(7));
  CHECK(accepted[0].submitted == wall(8));
  CHECK(bench->has_open_batches(1).value());
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 1); }));
  CHECK(open_batches(bench).empty());
  CHECK_FALSE(bench->has_open_batches(1).value());
  CHECK(bench->outcomes(1).value() == imported(3));
  CHECK(bench->manifest(1));
}

TEST_CASE("nothing moves a batch that has ended or was retired") {
  BatchBench bench;
  const std::vector<std::pair<const char*, GroupChange>> moves{
      {"give batch {} another key", [](Ledger& ledger) { return ledger.rekey(1, "k", true, "r"); }},
      {"mark batch {} as sent", [](Ledger& ledger) { return ledger.set_sent(1, std::nullopt); }},
      {"write down the job", [](Ledger& ledger) { return ledger.batch_accepted(1, "j", {}, wall(1)); }},
      {"count a job", [](Ledger& ledger) { return ledger.count_try_without_verdict(1); }},
      {"retire", [](Ledger& ledger) { return ledger.batch_retired(1); }},
      {"end", [](Ledger& ledger) { return end_batch(ledger, 1); }},
  };
  for (const auto& [name, move] : moves) {
    CAPTURE(name);
    CHECK(said(bench.commit(move)).find("there is no batch 1") != std::string::npos);
  }
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1); }));
  std::string state;
  SUBCASE("ended") {
    REQUIRE(bench.commit(moves[5].second));
    state = "batch 1 is ended";
  }
  SUBCASE("retired") {
    REQUIRE(bench.commit(moves[4].second));
    state = "batch 1 is retired";
  }
  for (const auto& [name, move] : moves) {
    CAPTURE(name);
    const auto moved = bench.commit(move);
    CHECK(said(moved).find(state) != std::string::npos);
    CHECK(moved.error().code == Errc::corrupt);
  }
}

TEST_CASE("another key starts the batch afresh and counts only keys that may still run") {
  BatchBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.set_sent(1, sent_at(5)); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.rekey(1, "key-2", false, "unauthorized"); }));
  auto batch = open_batches(bench).at(0);
  CHECK(batch.key == "key-2");
  CHECK_FALSE(batch.sent);
  CHECK(batch.abandoned == 0);
  CHECK(batch.rekey_reason.empty());
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.batch_accepted(1, "job", wall(7), wall(8)); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.count_try_without_verdict(1); }));
  REQUIRE(
      bench.commit([](Ledger& ledger) { return ledger.rekey(1, "key-3", true, "failed_without_error"); }));
  batch = open_batches(bench).at(0);
  CHECK(batch.state == BatchState::frozen);
  CHECK(batch.job.empty());
  CHECK_FALSE(batch.job_created);
  CHECK_FALSE(batch.submitted);
  CHECK(batch.abandoned == 1);
  CHECK(batch.tries_without_verdict == 1);
  CHECK(batch.rekey_reason == "failed_without_error");
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.rekey(1, "key-4", false, "forbidden"); }));
  batch = open_batches(bench).at(0);
  CHECK(batch.abandoned == 1);
  CHECK(batch.rekey_reason == "failed_without_error");
}

TEST_CASE("a batch ends only with outcomes for every record of every file it holds") {
  BatchBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 2); }));
  const std::vector<Share> shares{share_of(1, 3, 100), share_of(2, 2, 50)};
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.insert_batch(sample_batch(1), shares); }));
  const auto end = [&](std::vector<Share> given) {
    return bench.commit([&](Ledger& ledger) { return ledger.batch_ended(1, given, wall(9), nullptr, {}); });
  };
  const auto first = all_imported(shares[0]);
  auto second = all_imported(shares[1]);
  CHECK(said(end({first})) == "end batch 1: outcomes of 1 files given, it holds 2");
  CHECK(said(end({first, all_imported(share_of(3, 2, 50))})) == "end batch 1: it holds nothing of file 3");
  second.outcomes.imported = 1;
  CHECK(said(end({first, second})) == "end batch 1: file 2: 2 records have 1 outcomes");
  second.outcomes.unknown = 1;
  second.outcomes.rekeyed = 2;
  second.has_rejects = true;
  CHECK(bench->has_open_batches(2).value());
  REQUIRE(end({first, second}));
  CHECK(bench->outcomes(2).value() == second.outcomes);
}

TEST_CASE(
    "what the abandoned keys of a divided batch hold stands in the ledger until its last heir has ended") {
  BatchBench bench;
  const auto heir = [](BatchId id, std::vector<std::uint64_t> users, BatchId root) {
    auto row = sample_batch(id);
    row.users = std::move(users);
    row.seconds = {0, 0, 40 + id};
    row.heir_of = root;
    return row;
  };
  const Share share = share_of(1, 3, 100);
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.rekey(1, "key-2", true, "server_errors"); }));
  CHECK(bench->estates().value().empty());
  REQUIRE(bench.commit([&](Ledger& ledger) -> Result<void> {
    for (const BatchId id : {2U, 3U}) {
      if (auto inserted = ledger.insert_batch(heir(id, {id, 0, 10 + id}, 1), {&share, 1}); !inserted)
        return inserted;
    }
    return ledger.batch_retired(1, {1, 2, 6, {}});
  }));
  bench.reopen();
  auto estates = bench->estates().value();
  REQUIRE(estates.size() == 1);
  CHECK(estates[0].root == 1);
  CHECK(estates[0].keys == 2);
  CHECK(estates[0].operations == 6);
  CHECK(estates[0].users.empty());
  CHECK(open_batches(bench).at(0).heir_of == 1);

  // One heir is divided in its turn, the other ends: its users stay with the family.
  REQUIRE(bench.commit([&](Ledger& ledger) -> Result<void> {
    if (auto inserted = ledger.insert_batch(heir(4, {3, 0, 13}, 1), {&share, 1}); !inserted)
      return inserted;
    return ledger.batch_retired(3, {1, 1, 3, {}});
  }));
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 2); }));
  bench.reopen();
  estates = bench->estates().value();
  REQUIRE(estates.size() == 1);
  CHECK(estates[0].keys == 3);
  CHECK(estates[0].operations == 9);
  CHECK(estates[0].users == std::vector<std::uint64_t>{2, 12, 42});

  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 4); }));
  CHECK(bench->estates().value().empty());
}

TEST_CASE("a user whose merged record was taken apart stays with the family of the batch") {
  BatchBench bench;
  const Share share = share_of(1, 3, 100);
  auto other = sample_batch(3);
  other.heir_of = 1;
  auto heir = sample_batch(2);
  heir.heir_of = 1;
  heir.manifest.runs = {{1, 0, 20, 1, 1}};
  heir.manifest.literals = {{0, 30, {{1, 200, 20, 9, 1}}}, {30, 30, {{1, 300, 20, 12, 1}}}};
  heir.users = {5, 6, 7};
  heir.seconds = {15, 16, 17};
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1); }));
  REQUIRE(bench.commit([&](Ledger& ledger) -> Result<void> {
    for (const auto& row : {heir, other}) {
      if (auto inserted = ledger.insert_batch(row, {&share, 1}); !inserted)
        return inserted;
    }
    return ledger.batch_retired(1, {1, 1, 3, {}});
  }));
  auto without = heir.manifest;
  without.literals.erase(without.literals.begin());
  const auto ended = all_imported(share);
  REQUIRE(bench.commit([&](Ledger& ledger) {
    return ledger.batch_ended(2, {&ended, 1}, wall(9), &without, {});
  }));
  CHECK(bench->estates().value().at(0).users == std::vector<std::uint64_t>{5, 7, 6, 15, 17, 16});
}

TEST_CASE(
    "users of an heir whose last file is forgotten stay with the family until its last heir has ended") {
  BatchBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 2); }));
  const Share shares[] = {share_of(1, 3, 100), share_of(2, 3, 100)};
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.insert_batch(sample_batch(1), shares); }));
  REQUIRE(bench.commit([&](Ledger& ledger) -> Result<void> {
    for (const BatchId id : {2U, 3U}) {
      auto heir = sample_batch(id, id - 1);
      heir.heir_of = 1;
      if (auto inserted = ledger.insert_batch(heir, {&shares[id - 2], 1}); !inserted)
        return inserted;
    }
    return ledger.batch_retired(1, {1, 1, 3, {}});
  }));
  const auto forget = [&bench](FileNumber file) {
    REQUIRE(
        bench.commit([file](Ledger& ledger) { return ledger.file_settled(file, 3, imported(3), wall(9)); }));
    REQUIRE(bench.commit([file](Ledger& ledger) { return ledger.forget_file(file); }));
  };
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 2); }));
  forget(1);
  bench.reopen();
  CHECK(bench->estates().value().at(0).users == std::vector<std::uint64_t>{1, 0xFFFFFFFFFFFFFFFF, 7});
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 3, 2); }));
  CHECK(bench->manifest(2).error().code == Errc::not_found);
  CHECK(bench->manifest(3));
  forget(2);
  CHECK(bench->manifest(3).error().code == Errc::not_found);
}

TEST_CASE("coverage names every batch but retired ones that holds something past the offset") {
  BatchBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 2); }));
  for (const BatchId id : {1U, 2U, 3U})
    REQUIRE(bench.commit([&](Ledger& ledger) { return add_batch(ledger, id); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 4, 2); }));
  CHECK(coverage(bench, 1, 0).size() == 3);
  CHECK(coverage(bench, 1, 99).size() == 3);
  CHECK(coverage(bench, 1, 100).empty());
  CHECK(coverage(bench, 2, 0).size() == 1);
  CHECK(coverage(bench, 2, 0)[0] == sample_batch(4, 2).manifest);
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.batch_retired(2); }));
  CHECK(coverage(bench, 1, 0).size() == 2);
  CHECK(bench->manifest(2).error().code == Errc::not_found);
  const auto stopped = bench->coverage(1, 0, [](const Manifest&) -> Result<void> {
    return Error{Errc::cancelled, ""};
  });
  CHECK(stopped.error().code == Errc::cancelled);
}

TEST_CASE("a merged record that was taken apart leaves coverage and becomes single records") {
  BatchBench bench;
  auto batch = sample_batch(1);
  const Run older{1, 200, 20, 9, 1};
  const Run newer{1, 300, 20, 12, 1};
  batch.manifest.literals = {{0, 30, {older, newer}}};
  const Share frozen = share_of(1, 5, 320);
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.insert_batch(batch, {&frozen, 1}); }));
  const Share ended = all_imported(share_of(1, 3, 100));
  Manifest without = batch.manifest;
  without.literals.clear();
  const std::vector<Run> apart{newer, older};
  REQUIRE(bench.commit([&](Ledger& ledger) {
    return ledger.batch_ended(1, {&ended, 1}, wall(9), &without, apart);
  }));
  bench.reopen();
  CHECK(coverage(bench, 1, 0).at(0) == without);
  CHECK(bench->outcomes(1).value() == imported(3));
  CHECK(bench->singles().value() == std::vector<Run>{older, newer});
  CHECK(bench.commit([](Ledger& ledger) { return ledger.file_settled(1, 3, imported(3), wall(9)); })
            .has_error());
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.single_frozen(1, 200); }));
  CHECK(bench->singles().value() == std::vector<Run>{newer});
  CHECK(bench.commit([](Ledger& ledger) { return ledger.single_frozen(1, 200); }).error().code ==
        Errc::corrupt);
}

TEST_CASE("a receipt lists the ended batches of its file, in order") {
  BatchBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 2); }));
  for (const BatchId id : {3U, 1U, 2U, 5U})
    REQUIRE(bench.commit([&](Ledger& ledger) { return add_batch(ledger, id); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 4, 2); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.batch_accepted(3, "job 3", {}, wall(8)); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 3); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.batch_retired(2); }));
  std::vector<ReceiptBatch> lines;
  REQUIRE(bench->receipt_batches(1, [&](const ReceiptBatch& line) -> Result<void> {
    lines.push_back(line);
    return {};
  }));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].batch == 1);
  CHECK(lines[0].job.empty());
  CHECK_FALSE(lines[0].submitted);
  CHECK(lines[1].batch == 3);
  CHECK(lines[1].job == "job 3");
  CHECK(lines[1].submitted == wall(8));
  CHECK(lines[1].finished == wall(1764000009000));
  CHECK(lines[1].share.outcomes == imported(3));
  CHECK(lines[1].share.records == 3);
}

}  // namespace usherd::test
