#include "tests/flow/world/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;
using sandbox::FaultAction;

/// Six users; the API refuses three of them, and lists one a page.
struct Pages {
  explicit Pages(std::chrono::milliseconds token_life) : world(options(token_life)) {
    std::string lines;
    for (int i = 1; i <= 6; ++i)
      lines += fmt::format(R"({{"uid":"{}{}","properties":{{"seq":{},"p{}":1}}}})", i % 2 == 0 ? "no" : "yes",
                           i, i, i) +
               "\n";
    world.drop("f.ndjson", lines);
  }
  /// The API has enough of us between the first two pages of that list.
  void hold_between(sandbox::Call list, const std::string& retry_after) {
    sandbox::FaultRule busy;
    busy.call = list;
    busy.code = 429;
    busy.retry_after = retry_after;
    busy.after = 1;
    busy.times = 1;
    world.server.organisation.faults.add({busy});
  }
  /// From a page of that list on the API answers something else.
  void refuse(sandbox::Call list, std::uint64_t after, unsigned code) {
    sandbox::FaultRule refuses;
    refuses.call = list;
    refuses.code = code;
    refuses.after = after;
    world.server.organisation.faults.add({refuses});
  }
  [[nodiscard]] std::string receipt() const {
    return world.disk.content("/spool/done/f.ndjson.receipt.json");
  }
  [[nodiscard]] std::string rejects() const {
    return world.disk.content("/spool/rejected/f.ndjson.rejects.ndjson");
  }

  World world;

 private:
  static World::Options options(std::chrono::milliseconds token_life) {
    World::Options options;
    options.settings.job_time.fixed = 1s;
    options.settings.page_size = 1;
    options.settings.token_life = token_life;
    options.settings.reject_uids_with = "no";
    return options;
  }
};

TEST_CASE("Page tokens that grew too old while nobody could ask cost no record its outcome") {
  Pages pages(1min);
  pages.hold_between(sandbox::Call::errors, "120");
  REQUIRE(pages.world.start());
  CHECK(pages.world.run_until(1h, [&] { return pages.world.settled(); }));
  pages.world.stop();
  CHECK(pages.receipt().find(R"("imported":3,"rejected":3,"merged":0,"unknown":0)") != std::string::npos);
  CHECK(pages.rejects().find("no6") != std::string::npos);
  CHECK(pages.rejects().find("errors_unreadable") == std::string::npos);
}

TEST_CASE("A disk that does not give a batch's records for now costs none its outcome") {
  Pages pages(1h);
  REQUIRE(pages.world.start());
  CHECK(pages.world.run_until(1min, [&] { return pages.world.server.organisation.oracle().posts == 1; }));
  pages.world.files.close("f.ndjson");
  pages.world.run_for(5min);
  CHECK_FALSE(pages.world.settled());
  CHECK(pages.rejects().empty());
  SUBCASE("until it does") {}
  SUBCASE("also over a restart") {
    pages.world.stop();
    REQUIRE(pages.world.start());
    pages.world.run_for(5min);
    CHECK_FALSE(pages.world.settled());
  }
  pages.world.files.open_again();
  CHECK(pages.world.run_until(10min, [&] { return pages.world.settled(); }));
  pages.world.stop();
  CHECK(pages.receipt().find(R"("imported":3,"rejected":3,"merged":0,"unknown":0)") != std::string::npos);
}

TEST_CASE("Whom the errors named before a page that cannot be read stays rejected") {
  Pages pages(1h);
  std::string why;
  std::string counts;
  SUBCASE("imports tell who was imported") {
    pages.refuse(sandbox::Call::errors, 2, 400);
    why = "a page of the errors could not be read: HTTP 400";
    counts = R"("imported":3,"rejected":2,"merged":0,"unknown":1)";
  }
  SUBCASE("imports cannot be read either") {
    pages.refuse(sandbox::Call::errors, 2, 404);
    pages.refuse(sandbox::Call::imports, 0, 404);
    why = "a page of the errors could not be read: HTTP 404";
    counts = R"("imported":0,"rejected":2,"merged":0,"unknown":4)";
  }
  SUBCASE("the key may not read them any more") {
    pages.refuse(sandbox::Call::errors, 2, 403);
    why = "the API does not let this key read them";
    counts = R"("imported":0,"rejected":2,"merged":0,"unknown":4)";
  }
  REQUIRE(pages.world.start());
  CHECK(pages.world.run_until(2h, [&] { return pages.world.settled(); }));
  pages.world.stop();
  CHECK(pages.receipt().find(counts) != std::string::npos);
  CHECK(pages.rejects().find(why) != std::string::npos);
  CHECK(pages.rejects().find(R"("stage":"api","code":"invalid_parameter")") != std::string::npos);
}

TEST_CASE("A FAILED job without counts whose lists cannot be read does not run again") {
  Pages pages(1h);
  pages.world.server.organisation.settings.role = sandbox::Role::user;
  SUBCASE("nothing says that nothing was imported") {
    pages.world.server.organisation.settings.ended_counts = false;
    pages.world.server.organisation.settings.omit_defaults = true;
    REQUIRE(pages.world.start());
    CHECK(pages.world.run_until(2h, [&] { return pages.world.settled(); }));
    CHECK(pages.world.server.organisation.oracle().posts == 1);
    CHECK(pages.receipt().find(R"("imported":0,"rejected":0,"merged":0,"unknown":6,"rekeyed":0)") !=
          std::string::npos);
  }
  SUBCASE("a count of no imports does") {
    sandbox::FaultRule fails;
    fails.call = sandbox::Call::create;
    fails.action = FaultAction::job_fail;
    fails.times = 1;
    pages.world.server.organisation.faults.add({fails});
    REQUIRE(pages.world.start());
    CHECK(pages.world.run_until(2h, [&] { return pages.world.settled(); }));
    CHECK(pages.world.server.organisation.oracle().posts == 2);
  }
  pages.world.stop();
}

TEST_CASE("Page tokens that never live until the next page are given up") {
  Pages pages(500ms);
  pages.world.config.limits.requests_per_second = 1;
  pages.world.config.limits.burst = 1;
  REQUIRE(pages.world.start());
  CHECK(pages.world.run_until(2h, [&] { return pages.world.settled(); }));
  pages.world.stop();
  CHECK(pages.receipt().find(R"("imported":0,"rejected":1,"merged":0,"unknown":5)") != std::string::npos);
  CHECK(pages.rejects().find("errors_unreadable") != std::string::npos);
}

}  // namespace
}  // namespace usherd::flow
