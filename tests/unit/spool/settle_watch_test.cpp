#include "usherd/spool/settle_watch.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr WallTime kWall{1'800'000'000'000ms};

Instant at(Milliseconds after) {
  return {BootTime(1h) + after, kWall + after};
}

SeenFile file(std::string name, Milliseconds changed_before, std::uint64_t size = 10) {
  SeenFile seen;
  seen.name = std::move(name);
  seen.stat.size = size;
  seen.stat.inode = 1;
  seen.stat.changed_ns = std::chrono::nanoseconds(kWall.time_since_epoch() - changed_before).count();
  seen.stat.modified_ns = seen.stat.changed_ns;
  return seen;
}

}  // namespace

TEST_CASE("a fresh file is taken once it was unchanged for the settle time") {
  SettleWatch watch(10s);
  CHECK_FALSE(watch.look(file("a", 0ms), at(0ms)));
  CHECK(watch.next_due() == at(10s).boot);
  CHECK_FALSE(watch.look(file("a", 0ms), at(9999ms)));
  CHECK(watch.due(at(10s).boot, 10) == std::vector<std::string>{"a"});
  CHECK(watch.look(file("a", 0ms), at(10s)));
  CHECK(watch.size() == 0);
  CHECK(watch.next_due() == kNever);
}

TEST_CASE("an old file is taken at its second look, a second after the first") {
  SettleWatch watch(10s);
  CHECK_FALSE(watch.look(file("a", 1h), at(0ms)));
  CHECK_FALSE(watch.look(file("a", 1h), at(999ms)));
  CHECK(watch.look(file("a", 1h), at(1s)));
}

TEST_CASE("the time before the first look counts") {
  SettleWatch watch(10s);
  CHECK_FALSE(watch.look(file("a", 4s), at(0ms)));
  CHECK_FALSE(watch.look(file("a", 4s), at(5999ms)));
  CHECK(watch.look(file("a", 4s), at(6s)));
}

TEST_CASE("a change starts the settle time anew, whatever the clock says of it") {
  SettleWatch watch(10s);
  CHECK_FALSE(watch.look(file("a", 1h, 10), at(0ms)));
  CHECK_FALSE(watch.look(file("a", 1h, 11), at(5s)));
  CHECK_FALSE(watch.look(file("a", 1h, 11), at(14999ms)));
  CHECK(watch.look(file("a", 1h, 11), at(15s)));
}

TEST_CASE("another file under the same name has settle time before it") {
  SettleWatch watch(10s);
  auto other = file("a", 1h);
  other.stat.inode = 2;
  CHECK_FALSE(watch.look(file("a", 1h), at(0ms)));
  CHECK_FALSE(watch.look(other, at(5s)));
  CHECK(watch.look(other, at(15s)));
}

TEST_CASE("a clock that jumped two days neither holds a file back nor takes it at sight") {
  SettleWatch watch(10s);
  SUBCASE("the file seems to come from the future") {
    CHECK_FALSE(watch.look(file("a", -48h), at(0ms)));
    CHECK(watch.next_due() == at(10s).boot);
    CHECK(watch.look(file("a", -48h), at(10s)));
  }
  SUBCASE("a growing file seems to be old") {
    CHECK_FALSE(watch.look(file("a", 48h, 1), at(0ms)));
    CHECK_FALSE(watch.look(file("a", 48h, 2), at(1s)));
    CHECK_FALSE(watch.look(file("a", 48h, 2), at(2s)));
  }
  SUBCASE("the wall clock jumps while a file settles") {
    CHECK_FALSE(watch.look(file("a", 0ms), at(0ms)));
    const Instant later{at(5s).boot, kWall + 48h};
    CHECK_FALSE(watch.look(file("a", 0ms), later));
    const Instant back{at(10s).boot, kWall - 48h};
    CHECK(watch.look(file("a", 0ms), back));
  }
}

TEST_CASE("a settle time below a second is kept, and none takes at sight") {
  SettleWatch brief(200ms);
  CHECK_FALSE(brief.look(file("a", 1h), at(0ms)));
  CHECK(brief.look(file("a", 1h), at(200ms)));
  SettleWatch none(0ms);
  CHECK(none.look(file("a", 0ms), at(0ms)));
}

TEST_CASE("a new settle time lets nothing that is watched wait longer, and one that is longer holds later") {
  SettleWatch watch(1h);
  CHECK_FALSE(watch.look(file("first", 0ms), at(0ms)));
  CHECK_FALSE(watch.look(file("changed", 0ms), at(0ms)));
  CHECK_FALSE(watch.look(file("changed", 0ms, 11), at(5s)));
  watch.distrust(file("distrusted", 0ms), at(6s).boot);
  watch.settle(10s);
  CHECK(watch.next_due() == at(10s).boot);
  CHECK(watch.last_due() == at(16s).boot);
  CHECK_FALSE(watch.look(file("changed", 0ms, 11), at(14999ms)));
  CHECK(watch.look(file("changed", 0ms, 11), at(15s)));
  watch.settle(1min);
  CHECK(watch.look(file("first", 0ms), at(15s)));
  CHECK_FALSE(watch.look(file("later", 0ms), at(0ms)));
  CHECK(watch.last_due() == at(1min).boot);
}

TEST_CASE("a file that changed under our hands is not believed until it has settled") {
  SettleWatch watch(10s);
  watch.distrust(file("a", 0ms), at(0ms).boot);
  CHECK_FALSE(watch.trusts("a"));
  CHECK(watch.trusts("b"));
  CHECK_FALSE(watch.look(file("a", 0ms, 11), at(3s)));
  CHECK_FALSE(watch.trusts("a"));
  CHECK(watch.look(file("a", 0ms, 11), at(13s)));
  CHECK(watch.trusts("a"));
}

TEST_CASE("what is due comes longest dropped first, and no more than asked") {
  SettleWatch watch(10s);
  for (const auto& seen : {file("c", 1h), file("b", 2h), file("a", 2h), file("new", 0ms)})
    CHECK_FALSE(watch.look(seen, at(0ms)));
  CHECK(watch.due(at(0ms).boot, 10).empty());
  CHECK(watch.due(at(1s).boot, 10) == std::vector<std::string>{"a", "b", "c"});
  CHECK(watch.due(at(1s).boot, 2) == std::vector<std::string>{"a", "b"});
  watch.forget("a");
  CHECK(watch.due(at(20s).boot, 10) == std::vector<std::string>{"b", "c", "new"});
}

TEST_CASE("memory is bounded: files beyond it are found again later") {
  SettleWatch watch(10s, 2);
  for (const auto* name : {"a", "b", "c"})
    CHECK_FALSE(watch.look(file(name, 1h), at(0ms)));
  CHECK(watch.size() == 2);
  CHECK(watch.look(file("a", 1h), at(1s)));
  CHECK_FALSE(watch.look(file("c", 1h), at(1s)));
  CHECK(watch.look(file("c", 1h), at(2s)));
}
