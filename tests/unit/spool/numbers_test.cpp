#include "usherd/spool/numbers.hpp"

#include "tests/fakes/manual_timers.hpp"
#include "tests/fakes/mem_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"
#include "usherd/spool/claim.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace usherd;
using namespace usherd::test;

namespace {

/// One spool and the states that it has had.
struct Ages {
  TempSpool spool;
  fakes::ManualTimers timers{spool.loop.get_executor()};

  Ages() { REQUIRE(match().has_value()); }

  Result<void> match() { return match_spool(spool.files, spool.layout, *spool.ledger); }
  /// A run that takes what was dropped; one that is killed does not conclude.
  void live(const std::vector<std::string>& names, bool killed = false) {
    Claimer claimer(spool.layout, spool.files, timers, spool.workers, *spool.commits, 0);
    REQUIRE_FALSE(spool.run(claimer.finish()).stopped);
    for (const auto& name : names) {
      spool.drop(name, name);
      REQUIRE_FALSE(spool.run(claimer.take({spool.seen(name)})).stopped);
    }
    if (!killed)
      spool.run(conclude(claimer));
    spool.restart();
  }
  static boost::asio::awaitable<bool> conclude(Claimer& claimer) {
    co_await claimer.remember(true);
    co_return true;
  }
  [[nodiscard]] std::string state() const { return spool.directory.path() + "/state"; }
  void copy_state() {
    close();
    std::filesystem::copy(state(), state() + ".copy");
    spool.restart();
  }
  void put_copy_back() {
    close();
    std::filesystem::remove_all(state());
    std::filesystem::copy(state() + ".copy", state());
    spool.restart();
  }
  void lose_state() {
    close();
    std::filesystem::remove_all(state());
    std::filesystem::create_directory(state());
    spool.restart();
  }
  void close() {
    spool.commits.reset();
    spool.ledger.reset();
  }
  /// What has ended leaves working/.
  void end_all() {
    for (const auto& name : names_in(spool.layout.working())) {
      if (SpoolLayout::parse_working_name(name).first != 0)
        std::filesystem::remove(spool.layout.working() + "/" + name);
    }
  }
  void give_batches(BatchId last) {
    REQUIRE(spool.ledger->transaction([&] { return spool.ledger->batches_given(last); }).has_value());
  }
  [[nodiscard]] std::vector<std::string> marks() {
    std::vector<std::string> found;
    for (const auto& name : names_in(spool.layout.root())) {
      if (parse_numbers_name(name))
        found.push_back(name);
    }
    return found;
  }
  FileNumber next_number() {
    live({"next.ndjson"});
    return spool.rows().back().number;
  }
};

using Marks = std::vector<std::string>;

}  // namespace

TEST_CASE("the numbers are read from a name that they were written in, and from no other") {
  const Numbers numbers{20, 10, 7};
  CHECK(numbers_name(numbers) == ".numbers-20-10-7");
  CHECK(parse_numbers_name(".numbers-20-10-7") == numbers);
  for (const auto* other :
       {".numbers-", ".numbers-1-2", ".numbers-1-2-", ".numbers-1-2-3-4", ".numbers-1-2-3 ",
        ".numbers--1-2-3", ".numbers-99999999999999999999-1-1", "numbers-1-2-3", ""})
    CHECK_FALSE(parse_numbers_name(other).has_value());
}

TEST_CASE("a claim tells the spool its numbers, and a stop in order what the ledger holds") {
  Ages ages;
  ages.live({"a.ndjson", "b.ndjson"}, true);
  CHECK(ages.marks() == Marks{".numbers-2-1-0"});
  CHECK(ages.match().has_value());
  ages.give_batches(4);
  ages.live({});
  CHECK(ages.marks() == Marks{".numbers-2-2-4"});
  CHECK(ages.match().has_value());
}

TEST_CASE("a state that has not come as far as the spool is refused, naming doctor") {
  Ages ages;
  ages.live({"a.ndjson"});
  ages.copy_state();
  CHECK(ages.match().has_value());
  ages.live({"b.ndjson"});
  ages.end_all();
  ages.put_copy_back();
  const auto matched = ages.match();
  REQUIRE_FALSE(matched.has_value());
  CHECK(matched.error().code == Errc::corrupt);
  CHECK(matched.error().message.find("copy from before") != std::string::npos);
  CHECK(matched.error().message.find("usherd doctor") != std::string::npos);
}

TEST_CASE("a state that knows all files and not all batches is refused, too") {
  Ages ages;
  ages.live({"a.ndjson"});
  ages.copy_state();
  ages.give_batches(3);
  ages.live({});
  ages.put_copy_back();
  CHECK_FALSE(ages.match().has_value());
}

TEST_CASE("a state from before that an operator lets go on gives no number twice and adopts what it can") {
  Ages ages;
  ages.live({"a.ndjson"});
  ages.copy_state();
  ages.live({"b.ndjson", "c.ndjson", "d.ndjson"});
  ages.give_batches(9);
  ages.live({});
  std::filesystem::remove(ages.spool.layout.working() + "/000000000002.b.ndjson");
  std::filesystem::remove(ages.spool.layout.working() + "/000000000004.d.ndjson");
  ages.put_copy_back();
  REQUIRE_FALSE(ages.match().has_value());
  REQUIRE(go_on_above(ages.spool.files, ages.spool.layout, *ages.spool.ledger).has_value());
  CHECK(ages.marks() == Marks{".numbers-4-1-9"});
  CHECK(ages.match().has_value());
  CHECK(ages.spool.ledger->last_batch_id().value() == 9);
  CHECK(ages.spool.ledger->last_forgotten().value() == 4);
  CHECK(ages.next_number() == 5);
  const auto rows = ages.spool.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].name == "c.ndjson");
  CHECK(rows[1].number == 3);
}

TEST_CASE("a new state beside the spool of a lost one goes on above its numbers") {
  Ages ages;
  ages.live({"a.ndjson", "b.ndjson"});
  ages.give_batches(3);
  ages.live({});
  ages.end_all();
  ages.lose_state();
  CHECK_FALSE(ages.match().has_value());
  REQUIRE(go_on_above(ages.spool.files, ages.spool.layout, *ages.spool.ledger).has_value());
  REQUIRE(make_pair(ages.spool.files, ages.spool.layout, *ages.spool.ledger).has_value());
  CHECK(ages.match().has_value());
  CHECK(ages.next_number() == 3);
  CHECK(ages.spool.ledger->last_batch_id().value() == 3);
}

TEST_CASE("a spool that remembers nothing, as one of an earlier version, is no fault and learns") {
  Ages ages;
  ages.live({"a.ndjson"});
  std::filesystem::remove(ages.spool.layout.root() + "/" + ages.marks().front());
  CHECK(ages.match().has_value());
  ages.live({}, true);
  CHECK(ages.marks() == Marks{".numbers-1-1-0"});
  CHECK(ages.next_number() == 2);
}

TEST_CASE("of several marks the highest numbers count, and one stays") {
  Ages ages;
  ages.live({"a.ndjson", "b.ndjson"});
  for (const auto* torn : {".numbers-9-1-0", ".numbers-1-0-0", ".numbers-2-2-0"})
    write_file(ages.spool.layout.root() + "/" + torn, "");
  CHECK(ages.match().has_value());
  ages.live({}, true);
  CHECK(ages.marks() == Marks{".numbers-9-2-0"});
  CHECK(ages.next_number() == 10);
}

TEST_CASE("a mark that is not where it was is made again, and one that stands already is kept") {
  const SpoolLayout layout("/spool");
  fakes::MemFiles disk;
  disk.make_directory("/spool");
  const Numbers first{1, 0, 0};
  const Numbers second{2, 1, 0};
  REQUIRE(move_numbers(disk, layout, Numbers{}, first).has_value());
  REQUIRE(disk.sync(layout.root()).has_value());
  REQUIRE(move_numbers(disk, layout, first, second).has_value());
  // The rename was not synced.
  disk.drop_unsynced();
  CHECK(read_numbers(disk, layout).value() == first);
  REQUIRE(move_numbers(disk, layout, second, Numbers{3, 2, 0}).has_value());
  REQUIRE(move_numbers(disk, layout, first, Numbers{3, 2, 0}).has_value());
  CHECK(disk.names(layout.root()) == Marks{".numbers-3-2-0"});
}
