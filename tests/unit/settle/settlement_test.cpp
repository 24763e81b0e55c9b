#include "usherd/settle/settlement.hpp"

#include "tests/unit/settle/ended_bench.hpp"

#include <algorithm>

namespace usherd::test {
TEST_CASE("ended files leave working/ with receipt and rejects") {
  EndedBench bench;
  REQUIRE(bench.settle(kAll));
  auto contents = bench.contents();
  CHECK(bench.names() == std::vector<std::string>{"done/a.ndjson", "done/a.ndjson.receipt.json", "done/c.csv",
                                                  "done/c.csv.receipt.json",
                                                  "rejected/a.ndjson.rejects.ndjson", "rejected/b.bin",
                                                  "rejected/b.bin.error.json"});
  CHECK(contents["done/a.ndjson"] == std::string(300, 'a'));
  CHECK(contents["rejected/a.ndjson.rejects.ndjson"] == "local1\nlocal2\nbatch1\nbatch2\n");
  const auto& receipt = contents["done/a.ndjson.receipt.json"];
  CHECK(receipt.find(
            R"("records":10,"imported":5,"rejected":3,"merged":1,"unknown":1,"rekeyed":3,"batches":[)") !=
        std::string::npos);
  CHECK(receipt.find(R"({"batch":2,"job":null,"records":3,"imported":1,"rejected":0,"unknown":1,)") !=
        std::string::npos);
  CHECK(contents["done/c.csv.receipt.json"].find(R"("records":0,)") != std::string::npos);
  CHECK(contents["rejected/b.bin.error.json"].find(R"("code":"unknown_format")") != std::string::npos);
  for (const auto number : kAll)
    CHECK(bench.ledger->file(number).value()->state == FileState::settled);
}

TEST_CASE("what a file lost that became shorter counts as unknown") {
  EndedBench bench;
  write_file(bench.layout.local_rejects(3), "lost\n");
  ReadMark mark{13, 2, 1, 0, 5};
  mark.local_unknown = 1;
  REQUIRE(bench.ledger.commit([&](Ledger& changed) { return changed.move_mark(3, mark); }));
  REQUIRE(bench.settle(kAll));
  CHECK(bench.contents()["done/c.csv.receipt.json"].find(
            R"("records":1,"imported":0,"rejected":0,"merged":0,"unknown":1,)") != std::string::npos);
}

TEST_CASE("settling may die at any effect, and ends the same when it is done again") {
  Contents expected;
  std::size_t effects = 0;
  {
    EndedBench bench;
    REQUIRE(bench.settle(kAll));
    effects = bench.files.effects();
    expected = bench.contents();
  }
  REQUIRE(effects > 30);
  for (const bool after : {false, true}) {
    for (std::size_t effect = 1; effect <= effects; ++effect) {
      CAPTURE(effect);
      CAPTURE(after);
      EndedBench bench;
      bench.files.die_at(effect, after);
      REQUIRE_FALSE(bench.settle(kAll));
      REQUIRE(bench.restart());
      CHECK(bench.contents() == expected);
      CHECK(bench.ledger->open_files(0, 10).value().empty());
    }
  }
}

TEST_CASE("settling may die twice on its way") {
  EndedBench reference;
  REQUIRE(reference.settle(kAll));
  const auto expected = reference.contents();
  for (std::size_t first = 3; first <= 27; first += 6) {
    for (std::size_t second = 1; second <= 20; second += 3) {
      CAPTURE(first);
      CAPTURE(second);
      EndedBench bench;
      bench.files.die_at(first, true);
      REQUIRE_FALSE(bench.settle(kAll));
      bench.files.die_at(second, false);
      (void)bench.settle(kAll);
      REQUIRE(bench.restart());
      CHECK(bench.contents() == expected);
    }
  }
}

TEST_CASE(
    "rejects that were all dropped before their file had settled do not come back, nor does an empty file") {
  EndedBench reference;
  REQUIRE(reference.settle(kAll));
  auto expected = reference.contents();
  expected.erase("rejected/a.ndjson.rejects.ndjson");
  int dropped = 0;
  for (std::size_t effect = 1; effect <= reference.files.effects(); ++effect) {
    CAPTURE(effect);
    EndedBench bench;
    bench.files.die_at(effect, true);
    REQUIRE_FALSE(bench.settle(kAll));
    const bool visible = bench.contents().contains("rejected/a.ndjson.rejects.ndjson");
    if (!visible || bench.ledger->file(1).value()->state == FileState::settled)
      continue;
    ++dropped;
    write_file(bench.layout.rejected() + "/a.ndjson.rejects.ndjson", "");
    REQUIRE(bench.restart());
    CHECK(bench.contents() == expected);
  }
  CHECK(dropped > 3);
}

TEST_CASE("a file is not gathered before its end") {
  EndedBench bench;
  CHECK(bench.gather(9).error().code == Errc::not_found);
  bench.accept(4, "d.ndjson", "12345");
  CHECK(bench.gather(4).error().code == Errc::invalid);
  REQUIRE(bench.ledger.commit([](Ledger& changed) { return changed.file_ready(4, false, 5); }));
  CHECK(said(bench.gather(4).error()) == "settle file 4: it was not read to its end");
  REQUIRE(bench.ledger.commit([](Ledger& changed) { return changed.move_mark(4, {5, 2, 3, 0, 0}); }));
  CHECK(bench.gather(4).error().code == Errc::corrupt);
  REQUIRE(bench.ledger.commit([](Ledger& changed) { return add_batch(changed, 4, 4); }));
  CHECK(said(bench.gather(4).error()) == "settle file 4: a batch of it has not ended");
  REQUIRE(bench.ledger.commit([](Ledger& changed) { return end_batch(changed, 4, 4); }));
  CHECK(bench.gather(4)->records == 3);
}

TEST_CASE("missing or short reject lines stop their file and are named") {
  EndedBench bench;
  std::string path = bench.layout.local_rejects(1);
  std::string words = "is shorter than the ledger says";
  SUBCASE("a short file of local rejects") {
    write_file(path, "local1\n");
  }
  SUBCASE("a missing file of local rejects") {
    std::filesystem::remove(path);
    words = "is missing";
  }
  SUBCASE("a missing file of a batch") {
    path = bench.layout.batch_rejects(1, 2);
    std::filesystem::remove(path);
    words = "is missing";
  }
  SUBCASE("a line too many") {
    write_file(bench.layout.batch_rejects(1, 2), "batch2\nand another\n");
    path = "file 1";
    words = "5 reject lines for 4 records";
  }
  const auto prepared = bench.settlement.prepare(*bench.gather(1));
  REQUIRE(prepared.has_error());
  CHECK(prepared.error().code == Errc::corrupt);
  CHECK(prepared.error().message.find(path) == 0);
  CHECK(prepared.error().message.find(words) != std::string::npos);
  // Who logs it says what to do, once for all such errors.
  CHECK(prepared.error().message.find("usherd doctor") == std::string::npos);
}

TEST_CASE("a file that is nowhere fails alone, and its neighbours are published") {
  EndedBench bench;
  std::filesystem::remove(bench.layout.working_file(*bench.ledger->file(1).value()));
  std::vector<Ending> group;
  for (const auto number : kAll) {
    group.push_back(*bench.gather(number));
    REQUIRE(bench.settlement.prepare(group.back()));
  }
  const auto published = bench.settlement.publish(group);
  REQUIRE(published.size() == 3);
  REQUIRE(published[0].has_error());
  CHECK(published[0].error().code == Errc::corrupt);
  CHECK(published[0].error().message.find("working/000000000001.a.ndjson") != std::string::npos);
  CHECK(published[0].error().message.find("done/a.ndjson") != std::string::npos);
  CHECK(published[0].error().message.find("usherd doctor") == std::string::npos);
  CHECK(published[1]);
  CHECK(published[2]);
}

TEST_CASE("nothing that stands in done/ is overwritten") {
  EndedBench bench;
  write_file(bench.layout.done() + "/c.csv", "somebody else's");
  const auto settled = bench.settle({3});
  REQUIRE(settled.has_error());
  CHECK(settled.error().code == Errc::exists);
  CHECK(read_file(bench.layout.done() + "/c.csv") == "somebody else's");
  std::filesystem::remove(bench.layout.done() + "/c.csv");
  CHECK(bench.settle({3}));
}

TEST_CASE("a move that was half done, with both names there, is finished") {
  EndedBench bench;
  std::filesystem::create_hard_link(bench.layout.working_file(*bench.ledger->file(3).value()),
                                    bench.layout.done() + "/c.csv");
  REQUIRE(bench.settle({3}));
  CHECK(read_file(bench.layout.done() + "/c.csv") == "uid\nx\n");
  CHECK_FALSE(std::filesystem::exists(bench.layout.working() + "/000000000003.c.csv"));
}

TEST_CASE("a folder that cannot be synced fails the group") {
  EndedBench bench;
  std::vector<Ending> group{*bench.gather(3)};
  REQUIRE(bench.settlement.prepare(group[0]));
  bench.files.die_at(3, false);
  const auto published = bench.settlement.publish(group);
  REQUIRE(published.size() == 1);
  CHECK(published[0].error().code == Errc::io);
}

TEST_CASE("a group of files costs one sync for each folder") {
  EndedBench bench;
  std::vector<Ending> group;
  for (const auto number : kAll) {
    group.push_back(*bench.gather(number));
    REQUIRE(bench.settlement.prepare(group.back()));
  }
  bench.files.die_at(0, false);
  for (const auto& published : bench.settlement.publish(group))
    CHECK(published);
  const std::size_t renames = 3 + 2 + 2;
  CHECK(bench.files.effects() == renames + 3);
}

}  // namespace usherd::test
