#include "tests/unit/settle/ended_bench.hpp"
#include "usherd/spool/file_name.hpp"

#include <algorithm>

namespace usherd::test {
namespace {

constexpr std::string_view kAppended = "{\"uid\":\"later\"}\n";

/// As EndedBench, with something appended to the first file and to the refused one since their claim.
struct TailBench : EndedBench {
  TailBench() {
    append("000000000001.a.ndjson");
    append("000000000002.b.bin");
  }
  void append(const std::string& working) const {
    std::ofstream(layout.working() + "/" + working, std::ios::binary | std::ios::app) << kAppended;
  }
  [[nodiscard]] std::vector<std::string> dropped() const {
    std::vector<std::string> found;
    for (const auto& name : names()) {
      if (name.starts_with("incoming/"))
        found.push_back(name);
    }
    return found;
  }
};

}  // namespace

TEST_CASE(
    "what was appended after the claim is dropped again as a file of its own, and the receipt says so") {
  TailBench bench;
  REQUIRE(bench.settle(kAll));
  const auto contents = bench.contents();
  CHECK(bench.dropped() == std::vector<std::string>{"incoming/a~tail.ndjson"});
  CHECK(contents.at("incoming/a~tail.ndjson") == kAppended);
  CHECK(contents.at("done/a.ndjson.receipt.json").find(R"("tail":"a~tail.ndjson")") != std::string::npos);
  CHECK(contents.at("done/c.csv.receipt.json").find("tail") == std::string::npos);
  // What is refused is refused whole.
  CHECK(contents.at("rejected/b.bin") == "\x7F\x45" + std::string(kAppended));
  CHECK(std::none_of(contents.begin(), contents.end(),
                     [](const auto& entry) { return entry.first.starts_with("working/"); }));
}

TEST_CASE("settling may die at any effect, and what was appended is dropped once") {
  Contents expected;
  std::size_t effects = 0;
  {
    TailBench bench;
    REQUIRE(bench.settle(kAll));
    effects = bench.files.effects();
    expected = bench.contents();
  }
  REQUIRE(effects > 35);
  for (const bool after : {false, true}) {
    for (std::size_t effect = 1; effect <= effects; ++effect) {
      CAPTURE(effect);
      CAPTURE(after);
      TailBench bench;
      bench.files.die_at(effect, after);
      REQUIRE_FALSE(bench.settle(kAll));
      REQUIRE(bench.restart());
      CHECK(bench.contents() == expected);
    }
  }
}

TEST_CASE("what was appended is copied where it fits, and half a copy does not stay") {
  TailBench bench;
  std::uint64_t free = kAppended.size() - 1;
  const Settlement careful(bench.files, bench.layout, [&free]() -> Result<std::uint64_t> { return free; });
  const auto before = bench.contents();
  const auto full = bench.settle(kAll, careful);
  REQUIRE_FALSE(full);
  CHECK(full.error().code == Errc::no_space);
  CHECK(full.error().message == "16 B were appended to it since it was accepted, and 15 B are free");
  CHECK(bench.contents() == before);
  free = kAppended.size();
  REQUIRE(bench.settle(kAll, careful));
  CHECK(bench.dropped() == std::vector<std::string>{"incoming/a~tail.ndjson"});
}

TEST_CASE("what was taken between a crash and the repeat is not dropped again") {
  std::size_t effects = 0;
  {
    TailBench reference;
    REQUIRE(reference.settle(kAll));
    effects = reference.files.effects();
  }
  std::size_t taken = 0;
  for (std::size_t effect = 1; effect <= effects; ++effect) {
    CAPTURE(effect);
    TailBench bench;
    bench.files.die_at(effect, true);
    REQUIRE_FALSE(bench.settle(kAll));
    const auto dropped = bench.dropped();
    for (const auto& name : dropped)
      std::filesystem::remove(bench.directory.path() + "/" + name);
    taken += dropped.size();
    REQUIRE(bench.restart());
    CHECK(dropped.size() + bench.dropped().size() == 1);
  }
  CHECK(taken > 3);
}

TEST_CASE("a name that is taken is not given to what was appended, and the receipt says which is") {
  TailBench bench;
  SUBCASE("in incoming/") {
    write_file(bench.layout.incoming() + "/a~tail.ndjson", "another producer's");
  }
  SUBCASE("in done/") {
    write_file(bench.layout.done() + "/a~tail.ndjson", "an earlier one");
  }
  SUBCASE("as a file that was accepted") {
    bench.accept(9, "a~tail.ndjson", "{}\n");
  }
  const auto before = bench.contents();
  REQUIRE(bench.settle(kAll));
  const auto contents = bench.contents();
  CHECK(contents.at("incoming/a~tail~2.ndjson") == kAppended);
  CHECK(contents.at("done/a.ndjson.receipt.json").find(R"("tail":"a~tail~2.ndjson")") != std::string::npos);
  for (const auto& [name, bytes] : before) {
    if (name.find("a~tail") != std::string::npos)
      CHECK(contents.at(name) == bytes);
  }
}

TEST_CASE("after a crash what was appended is dropped under the name that the receipt tells") {
  TailBench bench;
  write_file(bench.layout.incoming() + "/a~tail.ndjson", "another producer's");
  Ending ending = bench.gather(1).value();
  REQUIRE(bench.settlement.find_tail(ending));
  REQUIRE(bench.settlement.name_tails(*bench.ledger.ledger, {&ending, 1}));
  REQUIRE(bench.settlement.prepare(ending));
  std::filesystem::rename(bench.layout.working() + "/f000000000001.receipt.tmp",
                          bench.layout.done() + "/a.ndjson.receipt.json");
  std::filesystem::remove(bench.layout.incoming() + "/a~tail.ndjson");
  REQUIRE(bench.restart());
  CHECK(bench.dropped() == std::vector<std::string>{"incoming/a~tail~2.ndjson"});
}

TEST_CASE("a tail takes in what is appended until its file stands in done/") {
  TailBench bench;
  SUBCASE("before the receipt stands") {
    bench.files.before(bench.layout.done() + "/a.ndjson.receipt.json",
                       [&] { bench.append("000000000001.a.ndjson"); });
  }
  SUBCASE("before the file leaves") {
    bench.files.before(bench.layout.done() + "/a.ndjson", [&] { bench.append("000000000001.a.ndjson"); });
  }
  REQUIRE(bench.settle(kAll));
  CHECK(bench.dropped() == std::vector<std::string>{"incoming/a~tail.ndjson"});
  CHECK(read_file(bench.layout.incoming() + "/a~tail.ndjson") ==
        std::string(kAppended) + std::string(kAppended));
  CHECK(bench.late == std::vector<std::uint64_t>{0, 0, 0});
}

TEST_CASE("a file that grows when it was found to have no tail is settled anew, and moves nothing before") {
  EndedBench bench;
  auto ending = bench.gather(3).value();
  REQUIRE(bench.settlement.find_tail(ending));
  REQUIRE(bench.settlement.prepare(ending));
  const auto before = bench.names();
  const auto append = [&] {
    std::ofstream(bench.layout.working() + "/000000000003.c.csv", std::ios::binary | std::ios::app) << "y\n";
  };
  append();
  const auto published = bench.settlement.publish({&ending, 1});
  REQUIRE(published[0].has_error());
  CHECK(published[0].error().code == Errc::cancelled);
  CHECK(bench.names() == before);
  REQUIRE(bench.settle({3}));
  CHECK(read_file(bench.layout.incoming() + "/c.csv~tail") == "y\n");
  CHECK(read_file(bench.layout.done() + "/c.csv.receipt.json").find(R"("tail":"c.csv~tail")") !=
        std::string::npos);
}

TEST_CASE("what is appended once a file has ended is counted") {
  TailBench bench;
  const auto append = [&](const std::string& name) {
    std::ofstream(bench.layout.done() + "/" + name, std::ios::binary | std::ios::app) << kAppended;
  };
  bench.files.before(bench.layout.working() + "/000000000002.b.bin", [&] { append("a.ndjson"); });
  REQUIRE(bench.settle(kAll));
  CHECK(bench.late == std::vector<std::uint64_t>{kAppended.size(), 0, 0});
}

TEST_CASE("what is appended while usherd is down, its receipt written and the file still there, enters") {
  for (std::size_t effect = 1; effect < 60; ++effect) {
    CAPTURE(effect);
    EndedBench bench;
    bench.files.die_at(effect, true);
    if (bench.settle(kAll))
      break;
    const auto working = bench.layout.working() + "/000000000003.c.csv";
    if (!std::filesystem::exists(working))
      continue;
    std::ofstream(working, std::ios::binary | std::ios::app) << "y\n";
    REQUIRE(bench.restart());
    CHECK(read_file(bench.layout.incoming() + "/c.csv~tail") == "y\n");
    CHECK(read_file(bench.layout.done() + "/c.csv.receipt.json").find(R"("tail":"c.csv~tail")") !=
          std::string::npos);
  }
}

TEST_CASE("a tail keeps an ending under which it can be read by itself") {
  CHECK(tail_name("a.ndjson") == "a~tail.ndjson");
  CHECK(tail_name("a.b.jsonl.gz") == "a.b~tail.jsonl.gz");
  CHECK(tail_name("a~2.JSON") == "a~2~tail.JSON");
  CHECK(tail_name("users.csv") == "users.csv~tail");
  CHECK(tail_name("users.csv.zst") == "users.csv.zst~tail");
  CHECK_FALSE(format_of(tail_name("users.csv")));
  const auto longest = tail_name(std::string(193, 'x') + ".ndjson");
  CHECK(longest.size() == kMostNameBytes);
  CHECK(longest.ends_with("x~tail.ndjson"));
  const auto longest_csv = tail_name(std::string(196, 'x') + ".csv");
  CHECK(longest_csv.size() == kMostNameBytes);
  CHECK(longest_csv.ends_with("x.csv~tail"));
}

}  // namespace usherd::test
