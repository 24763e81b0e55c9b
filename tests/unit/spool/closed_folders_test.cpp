#include "tests/unit/spool/intakes.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

namespace {

Result<void> denied() {
  return Error{Errc::denied, "Permission denied"};
}

/// As chmod or chown of working/ does it: nothing gets in any more.
void close_working(Intakes& intakes) {
  intakes.disk.before_rename = [working = intakes.spool.layout.working()](const std::string&,
                                                                          const std::string& to) {
    return to.starts_with(working) ? denied() : Result<void>{};
  };
}

/// Parked for one time, not anew at each try: a drain gives up by that.
void stays_parked(Intakes& intakes, Milliseconds span) {
  REQUIRE(intakes.intake->parked());
  const auto since = intakes.intake->parked_since();
  intakes.pass(span);
  CHECK(intakes.intake->parked());
  CHECK(intakes.intake->parked_since() == since);
}

/// Once nothing is refused any more it takes what was dropped meanwhile.
void goes_on_with_a(Intakes& intakes) {
  intakes.disk.before_list = intakes.disk.before_stat = intakes.disk.before_open = nullptr;
  intakes.disk.before_rename = nullptr;
  intakes.pass(1min);
  CHECK_FALSE(intakes.intake->parked());
  CHECK(intakes.accepted() == std::vector<std::string>{"a.ndjson"});
}

}  // namespace

TEST_CASE("folders that are closed to usherd park the intake, and no file is blamed for it") {
  Intakes intakes;
  intakes.start();
  close_working(intakes);
  intakes.spool.drop("a.ndjson", "{}");
  intakes.watch.tell("a.ndjson");
  intakes.poll();
  REQUIRE(intakes.intake->parked());
  CHECK(intakes.intake->parked()->find(intakes.spool.layout.working()) != std::string::npos);
  CHECK(intakes.intake->left().empty());
  stays_parked(intakes, 1min);
  goes_on_with_a(intakes);
}

TEST_CASE("a drain waits for folders that are closed, and leaves no file for them") {
  Intakes intakes;
  close_working(intakes);
  intakes.spool.drop("a.ndjson", "{}");
  intakes.start_drain();
  intakes.pass(1min);
  CHECK_FALSE(intakes.drained);
  CHECK(intakes.intake->parked());
  intakes.disk.before_rename = nullptr;
  intakes.pass(1min);
  REQUIRE(intakes.drained);
  CHECK((*intakes.drained)->left.empty());
  CHECK(intakes.accepted() == std::vector<std::string>{"a.ndjson"});
}

TEST_CASE(
    "one file that can be read and not be moved stays under its own reason, and its neighbours are taken") {
  Intakes intakes;
  intakes.spool.drop("a.ndjson", "{}");
  intakes.spool.drop("b.ndjson", "{}");
  intakes.disk.before_rename = [path = intakes.path("a.ndjson")](const std::string& from,
                                                                 const std::string&) {
    return from == path ? denied() : Result<void>{};
  };
  intakes.start();
  intakes.pass(15s);
  CHECK_FALSE(intakes.intake->parked());
  CHECK(intakes.accepted() == std::vector<std::string>{"b.ndjson"});
  const auto left = intakes.intake->left();
  REQUIRE(left.size() == 1);
  CHECK(left[0].name == "a.ndjson");
  CHECK(left[0].reason == LeftReason::failed);
  CHECK(left[0].detail.find("Permission denied") != std::string::npos);
}

TEST_CASE("one file that another is mounted on keeps nobody else from being taken") {
  Intakes intakes;
  intakes.spool.drop("a.ndjson", "{}");
  intakes.spool.drop("b.ndjson", "{}");
  intakes.disk.before_rename = [path = intakes.path("a.ndjson")](const std::string& from,
                                                                 const std::string&) -> Result<void> {
    if (from == path)
      return Error::system(EBUSY, "rename");
    return {};
  };
  intakes.start_drain();
  intakes.pass(15s);
  REQUIRE(intakes.drained);
  CHECK_FALSE(intakes.intake->parked());
  CHECK(intakes.accepted() == std::vector<std::string>{"b.ndjson"});
  REQUIRE((*intakes.drained)->left.size() == 1);
  CHECK((*intakes.drained)->left[0].reason == LeftReason::failed);
  CHECK((*intakes.drained)->left[0].detail.find("busy") != std::string::npos);
}

TEST_CASE("while nothing can be moved out of incoming/ the intake stays parked, and does not come and go") {
  Intakes intakes;
  intakes.start();
  intakes.disk.before_rename = [](const std::string&, const std::string&) -> Result<void> {
    return Error::system(EXDEV, "rename");
  };
  intakes.spool.drop("a.ndjson", "{}");
  intakes.pass(20s);
  stays_parked(intakes, 2min);
  goes_on_with_a(intakes);
}

TEST_CASE("an incoming/ that may not be listed parks the intake") {
  Intakes intakes;
  intakes.start();
  intakes.disk.before_list = [incoming = intakes.spool.layout.incoming()](const std::string& directory) {
    return directory == incoming ? denied() : Result<void>{};
  };
  intakes.spool.drop("a.ndjson", "{}");
  intakes.pass(1min);
  CHECK(intakes.intake->parked());
  goes_on_with_a(intakes);
}

TEST_CASE("an incoming/ that cannot be listed at all parks the intake once, and goes on when it can") {
  for (const auto code : {Errc::not_found, Errc::io}) {
    CAPTURE(static_cast<int>(code));
    Intakes intakes;
    intakes.start();
    intakes.disk.before_list = [incoming = intakes.spool.layout.incoming(), code](const std::string& folder) {
      return folder == incoming ? Result<void>(Error{code, "list " + incoming}) : Result<void>{};
    };
    intakes.spool.drop("a.ndjson", "{}");
    intakes.pass(30s);
    REQUIRE(intakes.intake->parked());
    CHECK(intakes.intake->parked()->find(intakes.spool.layout.incoming()) != std::string::npos);
    stays_parked(intakes, 5min);
    goes_on_with_a(intakes);
  }
}

TEST_CASE("a working/ that is gone parks the intake, and its files are not taken for vanished ones") {
  Intakes intakes;
  intakes.start();
  intakes.disk.before_rename = [working = intakes.spool.layout.working()](const std::string&,
                                                                          const std::string& to) {
    return to.starts_with(working) ? Result<void>(Error{Errc::not_found, "no such folder"}) : Result<void>{};
  };
  intakes.spool.drop("a.ndjson", "{}");
  intakes.watch.tell("a.ndjson");
  intakes.poll();
  stays_parked(intakes, 1min);
  goes_on_with_a(intakes);
}

TEST_CASE("a done/ or rejected/ that nothing can go to parks the intake once it is doubted") {
  Intakes intakes;
  intakes.start();
  for (const auto& folder : {intakes.spool.layout.done(), intakes.spool.layout.rejected()}) {
    intakes.disk.before_rename = [folder](const std::string&, const std::string& to) {
      return to.starts_with(folder) ? denied() : Result<void>{};
    };
    intakes.pass(1min);
    CHECK_FALSE(intakes.intake->parked());
    intakes.intake->doubt_folders();
    intakes.pass(16s);
    REQUIRE(intakes.intake->parked());
    CHECK(intakes.intake->parked()->find(folder) != std::string::npos);
    intakes.spool.drop("a.ndjson", "{}");
    stays_parked(intakes, 1min);
    intakes.disk.before_rename = nullptr;
    intakes.pass(30s);
    CHECK_FALSE(intakes.intake->parked());
    CHECK(names_in(intakes.spool.layout.incoming()).empty());
    CHECK(names_in(folder).empty());
  }
  CHECK(intakes.accepted().size() == 2);
}

TEST_CASE("a doubt that proves wrong parks nobody") {
  Intakes intakes;
  intakes.start();
  intakes.intake->doubt_folders();
  intakes.spool.drop("a.ndjson", "{}");
  intakes.pass(1min);
  CHECK_FALSE(intakes.intake->parked());
  CHECK(intakes.accepted() == std::vector<std::string>{"a.ndjson"});
}

TEST_CASE("an incoming/ whose names can be listed and not be looked at parks the intake and blames no file") {
  Intakes intakes;
  const auto inside = intakes.spool.layout.incoming() + "/";
  const auto refuse = [inside](const std::string& path) {
    return path.starts_with(inside) ? denied() : Result<void>{};
  };
  intakes.spool.drop("a.ndjson", "{}");
  bool announced = false;
  SUBCASE("found by a scan") {
    intakes.start();
  }
  SUBCASE("announced") {
    intakes.start();
    announced = true;
  }
  SUBCASE("drained") {
    intakes.start_drain();
  }
  intakes.disk.before_stat = intakes.disk.before_open = refuse;
  intakes.disk.before_rename = [refuse](const std::string& from, const std::string&) { return refuse(from); };
  if (announced)
    intakes.watch.tell("a.ndjson");
  intakes.pass(1min);
  CHECK(intakes.intake->parked());
  CHECK(intakes.intake->left().empty());
  CHECK_FALSE(intakes.drained);
  goes_on_with_a(intakes);
}
