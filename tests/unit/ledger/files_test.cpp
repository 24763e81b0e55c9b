#include "tests/unit/ledger/scratch.hpp"

namespace usherd::test {

TEST_CASE("an accepted file comes back with everything it came with") {
  LedgerBench bench;
  auto file = sample_file(3);
  file.original = std::string("caf\xE9\n.ndjson", 12);
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.insert_file(file); }));
  bench.reopen();
  const auto found = bench->file(3).value();
  REQUIRE(found);
  CHECK(found->number == 3);
  CHECK(found->name == file.name);
  CHECK(found->original == file.original);
  CHECK(found->working == file.working);
  CHECK(found->state == FileState::accepted);
  CHECK(found->size == 1000);
  CHECK(found->modified_ns == file.modified_ns);
  CHECK(found->accepted == file.accepted);
  CHECK_FALSE(found->converted);
  CHECK(found->mark == ReadMark{});
  CHECK(found->refusal_code.empty());
  CHECK_FALSE(bench->file(4).value());
}

TEST_CASE("a name is taken from acceptance until it is forgotten") {
  LedgerBench bench;
  CHECK_FALSE(bench->name_taken("users~1.ndjson").value());
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  CHECK(bench->name_taken("users~1.ndjson").value());
  const auto again = bench.commit([](Ledger& ledger) {
    auto file = sample_file(2);
    file.name = "users~1.ndjson";
    return ledger.insert_file(file);
  });
  CHECK(again.error().code == Errc::corrupt);
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_settled(1, 0, {}, wall(5)); }));
  CHECK(bench->name_taken("users~1.ndjson").value());
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.forget_file(1); }));
  CHECK_FALSE(bench->name_taken("users~1.ndjson").value());
}

TEST_CASE("file numbers and batch ids never go backwards, whatever is forgotten") {
  LedgerBench bench;
  CHECK(bench->last_file_number().value() == 0);
  CHECK(bench->last_batch_id().value() == 0);
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 41); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 17, 41); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 17, 41); }));
  // A file adopted after a crash may bear a smaller number than the last.
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 40); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_settled(41, 3, imported(3), wall(5)); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.forget_file(41); }));
  bench.reopen();
  CHECK(bench->last_file_number().value() == 41);
  CHECK(bench->last_batch_id().value() == 17);
  CHECK(bench->manifest(17).error().code == Errc::not_found);
}

TEST_CASE("open files are those that are not settled, in order and by pages") {
  LedgerBench bench;
  for (const FileNumber number : {5U, 1U, 9U, 3U})
    REQUIRE(bench.commit([&](Ledger& ledger) { return add_ready_file(ledger, number); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_settled(3, 0, {}, wall(5)); }));
  const auto first = bench->open_files(0, 2).value();
  REQUIRE(first.size() == 2);
  CHECK(first[0].number == 1);
  CHECK(first[1].number == 5);
  const auto rest = bench->open_files(5, 2).value();
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].number == 9);
}

TEST_CASE("only legal moves of a file are made") {
  LedgerBench bench;
  const auto ready = [](Ledger& ledger) { return ledger.file_ready(1, true, 77); };
  const auto refuse = [](Ledger& ledger) { return ledger.file_refused(1, "binary", "not text"); };
  const auto mark = [](Ledger& ledger) { return ledger.move_mark(1, {50, 3, 2, 1, 90, 4}); };
  const auto mark_back = [](Ledger& ledger) { return ledger.move_mark(1, {49, 3, 2, 1, 90}); };
  const auto settle = [](Ledger& ledger) { return ledger.file_settled(1, 0, {}, wall(5)); };
  const auto forget = [](Ledger& ledger) { return ledger.forget_file(1); };
  CHECK(said(bench.commit(ready)) == "make file 1 ready: there is no file 1 in the ledger");
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.insert_file(sample_file(1)); }));
  CHECK(bench.commit(mark).error().code == Errc::corrupt);
  CHECK(said(bench.commit(settle)) == "settle file 1: not legal now, file 1 is accepted");
  CHECK(bench.commit(forget).error().code == Errc::corrupt);
  REQUIRE(bench.commit(ready));
  CHECK(bench.commit(ready).error().code == Errc::corrupt);
  REQUIRE(bench.commit(mark));
  REQUIRE(bench.commit(mark));
  CHECK(bench.commit(mark_back).error().code == Errc::corrupt);
  const auto file = bench->file(1).value();
  CHECK(file->converted);
  CHECK(file->read_size == 77);
  CHECK(file->mark == ReadMark{50, 3, 2, 1, 90, 4});
  REQUIRE(bench.commit(settle));
  for (const auto& late : {GroupChange(ready), GroupChange(refuse), GroupChange(mark), GroupChange(settle)})
    CHECK(bench.commit(late).error().code == Errc::corrupt);
  REQUIRE(bench.commit(forget));
  CHECK(bench.commit(forget).error().code == Errc::corrupt);
}

TEST_CASE("a file is refused whole only while nothing of it is in a batch") {
  LedgerBench bench;
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 2); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1, 1); }));
  CHECK(bench.commit([](Ledger& ledger) { return ledger.file_refused(1, "binary", ""); }).has_error());
  CHECK(bench.commit([](Ledger& ledger) { return ledger.file_refused(2, "", ""); }).has_error());
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_refused(2, "binary", "not text"); }));
  const auto file = bench->file(2).value();
  CHECK(file->state == FileState::refused);
  CHECK(file->refusal_code == "binary");
  CHECK(file->refusal_message == "not text");
  CHECK(bench.commit([](Ledger& ledger) { return ledger.file_settled(2, 1, imported(1), wall(5)); })
            .has_error());
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_settled(2, 0, {}, wall(5)); }));
  const auto expired = bench->finished_before(wall(6), 10).value();
  REQUIRE(expired.size() == 1);
  CHECK(expired[0].refused);
}

TEST_CASE("a file settles only when its counts add up and nothing of it is open") {
  LedgerBench bench;
  const auto settle = [](Ledger& ledger) { return ledger.file_settled(1, 3, imported(3), wall(5)); };
  REQUIRE(bench.commit([](Ledger& ledger) { return add_ready_file(ledger, 1); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return add_batch(ledger, 1); }));
  CHECK(said(bench.commit(settle)) == "settle file 1: a batch of it has not ended");
  REQUIRE(bench.commit([](Ledger& ledger) { return end_batch(ledger, 1); }));
  CHECK(said(bench.commit([](Ledger& ledger) { return ledger.file_settled(1, 4, imported(3), wall(5)); })) ==
        "settle file 1: 4 records have 3 outcomes");
  CHECK(bench.commit(settle));
}

TEST_CASE("finished files are listed by age and no more than asked for") {
  LedgerBench bench;
  for (FileNumber number = 1; number <= 4; ++number) {
    REQUIRE(bench.commit([&](Ledger& ledger) { return add_ready_file(ledger, number); }));
    const auto finished = wall(static_cast<std::int64_t>(1000 - number));
    REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.file_settled(number, 0, {}, finished); }));
  }
  const auto files = bench->finished_before(wall(999), 2).value();
  REQUIRE(files.size() == 2);
  CHECK(files[0].number == 4);
  CHECK(files[0].name == "users~4.ndjson");
  CHECK_FALSE(files[0].refused);
  CHECK(files[1].number == 3);
  CHECK(bench->finished_before(wall(996), 2).value().empty());
}

TEST_CASE("a file is found by the name it was dropped under, the newest of several") {
  LedgerBench bench;
  for (const FileNumber number : {1U, 2U, 3U})
    REQUIRE(bench.commit([&](Ledger& ledger) { return add_ready_file(ledger, number); }));
  auto odd = sample_file(4);
  odd.original = "caf\xE9.ndjson";
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.insert_file(odd); }));
  CHECK(bench->kept_name_of("users.ndjson").value() == sample_file(3).name);
  CHECK(bench->kept_name_of("caf\xE9.ndjson").value() == odd.name);
  CHECK_FALSE(bench->kept_name_of("other.ndjson").value());
}

TEST_CASE("a file is forgotten when neither folder keeps anything of it") {
  LedgerBench bench;
  using Kept = Ledger::Kept;
  const auto numbers = [&](Kept where) {
    std::vector<FileNumber> found;
    for (const auto& file : bench->kept_before(where, wall(100), 10, {}).value())
      found.push_back(file.number);
    return found;
  };
  const auto let_go = [&](FileNumber number, Kept where) {
    REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.not_kept(number, where); }));
  };
  for (const FileNumber number : {1U, 2U, 3U, 4U})
    REQUIRE(bench.commit([&](Ledger& ledger) { return add_ready_file(ledger, number); }));
  Outcomes bad;
  bad.unknown = 1;
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.file_settled(1, 1, imported(1), wall(7)); }));
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.file_settled(2, 1, bad, wall(6)); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_refused(3, "binary", ""); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_settled(3, 0, {}, wall(5)); }));
  CHECK(numbers(Kept::done) == std::vector<FileNumber>{2, 1});
  CHECK(numbers(Kept::rejected) == std::vector<FileNumber>{3, 2});
  CHECK(bench.commit([](Ledger& ledger) { return ledger.not_kept(4, Kept::done); }).error().code ==
        Errc::corrupt);
  let_go(1, Kept::done);
  CHECK_FALSE(bench->file(1).value());
  let_go(2, Kept::done);
  CHECK(bench->file(2).value());
  CHECK(numbers(Kept::done).empty());
  let_go(2, Kept::rejected);
  CHECK_FALSE(bench->file(2).value());
  CHECK(bench->kept_before(Kept::rejected, wall(5), 10, {}).value().empty());
  let_go(3, Kept::rejected);
  CHECK(bench->finished_before(wall(100), 10).value().empty());
}

TEST_CASE("forgotten files take their batches along and give their space back") {
  LedgerBench bench;
  for (const FileNumber number : {1U, 2U})
    REQUIRE(bench.commit([&](Ledger& ledger) { return add_ready_file(ledger, number); }));
  auto batch = sample_batch(1);
  batch.users.assign(500'000, 42);
  const std::vector<Share> both{share_of(1, 3, 100), share_of(2, 1, 30)};
  const std::vector<Share> ended{all_imported(both[0]), all_imported(both[1])};
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.insert_batch(batch, both); }));
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.batch_ended(1, ended, wall(9), nullptr, {}); }));
  REQUIRE(bench.commit([&](Ledger& ledger) { return add_batch(ledger, 2, 1); }));
  REQUIRE(bench.commit([&](Ledger& ledger) { return ledger.batch_retired(2); }));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_settled(1, 3, imported(3), wall(5)); }));
  CHECK(bench.commit([](Ledger& ledger) { return ledger.forget_file(2); }).error().code == Errc::corrupt);
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.forget_file(1); }));
  CHECK(bench->manifest(1));
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.file_settled(2, 1, imported(1), wall(5)); }));
  bench.reopen();
  const auto before = bench->size().value();
  REQUIRE(bench.commit([](Ledger& ledger) { return ledger.forget_file(2); }));
  // A disk that is all but full has room for that.
  CHECK(std::filesystem::file_size(bench.scratch.ledger_file() + "-wal") < 500'000);
  CHECK(bench->manifest(1).error().code == Errc::not_found);
  bench.reopen();
  CHECK(bench->size().value() < before - 3'000'000);
  CHECK(bench->check());
}

}  // namespace usherd::test
