#include "usherd/settle/reject_store.hpp"

#include "tests/fakes/mem_files.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <vector>

using namespace usherd;
using namespace usherd::fakes;

namespace {

struct Rejects {
  MemFiles disk;
  SpoolLayout layout{"/s"};
  RejectStore store{disk, layout};

  Rejects() {
    disk.make_directory("/s");
    disk.make_directory(layout.rejected());
  }
  static std::string line(std::string_view file, std::uint64_t number, Stage stage, std::string_view code,
                          std::string_view record) {
    RejectLine reject;
    reject.file = file;
    reject.line = number;
    reject.stage = stage;
    reject.code = code;
    reject.message = "why";
    reject.record = record;
    std::string out;
    append_reject_line(out, reject);
    return out;
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return layout.rejected() + "/" + name + ".rejects.ndjson";
  }
  [[nodiscard]] std::vector<std::string> found(const RejectFilter& filter = {}) {
    std::vector<std::string> places;
    CHECK(store
              .visit(filter,
                     [&](const StoredReject& reject) -> Result<void> {
                       places.push_back(fmt::format("{}:{}", reject.file, reject.line));
                       return {};
                     })
              .has_value());
    return places;
  }
};

using Places = std::vector<std::string>;

}  // namespace

TEST_CASE("rejects are found by code, stage, file and user, and by all of them") {
  Rejects rejects;
  rejects.disk.put(rejects.path("b.csv"), Rejects::line("b.csv", 1, Stage::api, "x", R"({"uid":"u\u0031"})") +
                                              Rejects::line("b.csv", 2, Stage::local, "y", "broken,row"));
  rejects.disk.put(rejects.path("a.ndjson"),
                   Rejects::line("a.ndjson", 7, Stage::unknown, "x", R"({"uid":"u2"})"));
  rejects.disk.put(rejects.layout.rejected() + "/bad.txt", "none of ours");
  CHECK(rejects.found() == Places{"a.ndjson:7", "b.csv:1", "b.csv:2"});
  RejectFilter filter;
  filter.code = "x";
  CHECK(rejects.found(filter) == Places{"a.ndjson:7", "b.csv:1"});
  filter.uid = "u1";
  CHECK(rejects.found(filter) == Places{"b.csv:1"});
  filter.stage = Stage::local;
  CHECK(rejects.found(filter).empty());
  RejectFilter by_file;
  by_file.file = "b.csv";
  CHECK(rejects.found(by_file) == Places{"b.csv:1", "b.csv:2"});
}

TEST_CASE("rejects of a user whose record no parser takes are found by that user") {
  Rejects rejects;
  rejects.disk.put(rejects.path("a.ndjson"),
                   Rejects::line("a.ndjson", 1, Stage::local, "number_out_of_range",
                                 R"({"uid":"big","properties":{"n":1e999}})") +
                       Rejects::line("a.ndjson", 2, Stage::local, "invalid_json", R"({"uid":"other",})"));
  RejectFilter filter;
  filter.uid = "big";
  CHECK(rejects.found(filter) == Places{"a.ndjson:1"});
}

TEST_CASE("a marked line keeps its record's bytes, and is marked once") {
  Rejects rejects;
  const std::string record = R"({"uid":"u", "properties":{"p":",\"record\":1.50"}})";
  rejects.disk.put(rejects.path("a"), Rejects::line("a", 1, Stage::api, "x", record));
  for (const auto* name : {"r1.ndjson", "r2.ndjson"}) {
    const auto mark = [&](const StoredReject&) { return RejectEdit{RejectEdit::Kind::mark, name, 3}; };
    REQUIRE(rejects.store.rewrite("a", mark).has_value());
    int count = 0;
    REQUIRE(rejects.store
                .visit({},
                       [&](const StoredReject& reject) -> Result<void> {
                         ++count;
                         CHECK(reject.retried_as == "r1.ndjson");
                         CHECK(reject.record == record);
                         return {};
                       })
                .has_value());
    CHECK(count == 1);
  }
}

TEST_CASE("a record that is not UTF-8 is read back with its own bytes, marked or not") {
  Rejects rejects;
  const std::string bytes = "{\"uid\":\"lat2\xE9\"}";
  rejects.disk.put(rejects.path("a"), Rejects::line("a", 1, Stage::local, "invalid_utf8", bytes));
  const auto check = [&](const StoredReject& reject) -> Result<void> {
    CHECK(reject.raw == bytes);
    CHECK(reject.record.empty());
    CHECK(reject.uid.empty());
    return {};
  };
  REQUIRE(rejects.store.visit({}, check).has_value());
  const auto mark = [](const StoredReject&) { return RejectEdit{RejectEdit::Kind::mark, "r.ndjson", 1}; };
  REQUIRE(rejects.store.rewrite("a", mark).has_value());
  REQUIRE(rejects.store.visit({}, check).has_value());
  auto line = Rejects::line("a", 1, Stage::local, "invalid_utf8", bytes);
  line.replace(line.find("eyJ"), 3, "e J");
  rejects.disk.put(rejects.path("a"), line);
  CHECK(rejects.store.visit({}, check).error().code == Errc::corrupt);
}

TEST_CASE("the largest line that a record can make is read back") {
  Rejects rejects;
  std::string bytes(std::size_t{1} << 20, '\x01');
  bytes.back() = '\xE9';
  rejects.disk.put(rejects.path("a"), Rejects::line("a", 1, Stage::local, "record_too_large", bytes));
  const auto check = [&](const StoredReject& reject) -> Result<void> {
    CHECK((reject.raw == bytes));
    return {};
  };
  CHECK(rejects.store.visit({}, check).has_value());
}

TEST_CASE("removing every line removes the file") {
  Rejects rejects;
  rejects.disk.put(rejects.path("a"), Rejects::line("a", 1, Stage::api, "x", "{}"));
  const auto remove = [](const StoredReject&) { return RejectEdit{RejectEdit::Kind::remove, "", 0}; };
  REQUIRE(rejects.store.rewrite("a", remove).has_value());
  CHECK(rejects.disk.names(rejects.layout.rejected()).empty());
}

TEST_CASE("rejects that were removed while they were written anew do not come back") {
  Rejects rejects;
  rejects.disk.put(rejects.path("a"), Rejects::line("a", 1, Stage::api, "x", R"({"uid":"u"})"));
  const auto edit = [&](const StoredReject&) {
    CHECK(rejects.disk.remove(rejects.path("a")).has_value());
    return RejectEdit{};
  };
  CHECK(rejects.store.rewrite("a", edit).has_value());
  CHECK(rejects.disk.names(rejects.layout.rejected()).empty());
}

TEST_CASE("a crash at any step of a rewrite leaves the old lines or the new ones, never neither") {
  const auto old = Rejects::line("a", 1, Stage::api, "x", R"({"uid":"u"})") +
                   Rejects::line("a", 2, Stage::api, "y", R"({"uid":"v"})");
  const auto edit = [](const StoredReject& reject) {
    return reject.line == 1 ? RejectEdit{RejectEdit::Kind::mark, "r.ndjson", 1} : RejectEdit{};
  };
  Rejects whole;
  whole.disk.put(whole.path("a"), old);
  const auto before = whole.disk.effects();
  REQUIRE(whole.store.rewrite("a", edit).has_value());
  const auto steps = whole.disk.effects() - before;
  const auto edited = whole.disk.content(whole.path("a"));
  REQUIRE(edited != old);
  REQUIRE(steps >= 5);
  // The power fails, which undoes what was not synced; or the process alone is killed, and all of it stays.
  for (const bool power : {true, false}) {
    for (std::uint64_t step = 1; step <= steps + 1; ++step) {
      CAPTURE(power);
      CAPTURE(step);
      Rejects rejects;
      rejects.disk.put(rejects.path("a"), old);
      rejects.disk.fail_from(rejects.disk.effects() + step, Error{Errc::io, "the power is gone"});
      CHECK(rejects.store.rewrite("a", edit).has_value() == (step > steps));
      rejects.disk.heal();
      if (power)
        rejects.disk.drop_unsynced();
      REQUIRE(rejects.store.finish().has_value());
      const auto now = rejects.disk.content(rejects.path("a"));
      CHECK((now == old || now == edited));
      CHECK(rejects.disk.names(rejects.layout.rejected()).size() == 1);
    }
  }
}

TEST_CASE("rejects are found at each moment of their rewriting, and once") {
  Rejects whole;
  const auto old = Rejects::line("a", 1, Stage::api, "x", R"({"uid":"u"})");
  whole.disk.put(whole.path("a"), old);
  const auto keep = [](const StoredReject&) { return RejectEdit{}; };
  const auto before = whole.disk.effects();
  REQUIRE(whole.store.rewrite("a", keep).has_value());
  const auto steps = whole.disk.effects() - before;
  for (std::uint64_t step = 1; step <= steps; ++step) {
    CAPTURE(step);
    Rejects rejects;
    rejects.disk.put(rejects.path("a"), old);
    rejects.disk.fail_from(rejects.disk.effects() + step, Error{Errc::io, "it stands still here"});
    CHECK_FALSE(rejects.store.rewrite("a", keep).has_value());
    CHECK(rejects.store.names().value() == std::vector<std::string>{"a"});
    CHECK(rejects.found({}).size() == 1);
  }
}

TEST_CASE("blank lines between rejects are passed over") {
  Rejects rejects;
  rejects.disk.put(rejects.path("a"), "\n" + Rejects::line("a", 1, Stage::api, "x", "{}") + " \r\n\n" +
                                          Rejects::line("a", 2, Stage::api, "y", "{}") + "\n");
  RejectFilter filter;
  filter.code = "y";
  CHECK(rejects.found({}).size() == 2);
  std::vector<RejectStore::Place> places;
  const auto note = [&](const StoredReject& reject) -> Result<void> {
    places.push_back({reject.at, reject.bytes.size()});
    return {};
  };
  REQUIRE(rejects.store.visit(filter, note).has_value());
  REQUIRE(places.size() == 1);
  CHECK(rejects.store.at("a", places[0].at, places[0].length).value().code == "y");
}

TEST_CASE("a line that is no reject is named, and nothing is rewritten") {
  Rejects rejects;
  rejects.disk.put(rejects.path("a"), "{\"file\":1}\n");
  const auto seen = rejects.store.visit({}, [](const StoredReject&) -> Result<void> { return {}; });
  REQUIRE_FALSE(seen.has_value());
  CHECK(seen.error().message.find(":1: not a line of rejects") != std::string::npos);
  CHECK_FALSE(rejects.store.rewrite("a", [](const StoredReject&) { return RejectEdit{}; }).has_value());
  CHECK(rejects.disk.content(rejects.path("a")) == "{\"file\":1}\n");
}

TEST_CASE("the deepest record that is JSON is read back, and hides no other") {
  Rejects rejects;
  const auto nested = [](std::size_t depth) {
    return R"({"uid":"deep","email":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  std::string lines;
  std::uint64_t number = 0;
  // What is too deep to be taken for JSON stands in `raw`.
  for (std::size_t depth = 1020; depth <= 1030; ++depth)
    lines += Rejects::line("a", ++number, Stage::local, "wrong_type", nested(depth));
  rejects.disk.put(rejects.path("a"), lines);
  RejectFilter filter;
  filter.uid = "deep";
  CHECK(rejects.found(filter).size() == number);
  std::uint64_t deep = 0;
  REQUIRE(rejects.store
              .visit({},
                     [&](const StoredReject& reject) -> Result<void> {
                       deep += reject.record.empty() ? 0 : 1;
                       return {};
                     })
              .has_value());
  CHECK(deep > 1);
  CHECK(deep < number);
}

TEST_CASE("the oldest come first: files by their receipts, records by their place") {
  Rejects rejects;
  rejects.disk.make_directory(rejects.layout.done());
  const auto put = [&](const std::string& name, std::vector<std::uint64_t> offsets,
                       const std::string& receipt) {
    std::string lines;
    for (const auto offset : offsets) {
      auto line = Rejects::line(name, 1, Stage::api, offset % 2 == 0 ? "even" : "odd", R"({"uid":"u"})");
      const std::string_view member = "\"offset\":";
      line.replace(line.find(member) + member.size(), 1, std::to_string(offset));
      lines += line;
    }
    rejects.disk.put(rejects.path(name), lines);
    if (!receipt.empty())
      rejects.disk.put(rejects.layout.done() + "/" + name + ".receipt.json", receipt);
  };
  put("a", {40, 7, 120, 8}, R"({"file":"a,\"sequence\":1,","sequence":12,"accepted":"x"})");
  put("b", {3}, R"({"file":"b","sequence":9})");
  put("c", {5, 4}, "");
  const auto found = [&](const RejectFilter& filter) {
    std::vector<std::string> places;
    const auto note = [&](const StoredReject& reject) -> Result<void> {
      places.push_back(fmt::format("{}:{}", reject.file, reject.offset));
      return {};
    };
    CHECK(rejects.store.visit_oldest_first(filter, note).has_value());
    return places;
  };
  CHECK(found({}) == Places{"c:4", "c:5", "b:3", "a:7", "a:8", "a:40", "a:120"});
  RejectFilter filter;
  filter.code = "even";
  CHECK(found(filter) == Places{"c:4", "a:8", "a:40", "a:120"});
  filter.file = "a";
  CHECK(found(filter) == Places{"a:8", "a:40", "a:120"});
  filter.file = "none";
  CHECK(found(filter).empty());
}

TEST_CASE("what was rejected again in the file of a retry comes where it stood first") {
  Rejects rejects;
  rejects.disk.make_directory(rejects.layout.done());
  struct Line {
    std::uint64_t line = 0;
    std::string user;
    std::string retried_as;
    std::uint64_t retried_line = 0;
  };
  const auto put = [&](const std::string& name, std::uint64_t sequence, const std::vector<Line>& lines) {
    std::string bytes;
    for (const auto& each : lines) {
      RejectLine reject;
      reject.file = name;
      reject.line = each.line;
      reject.offset = 100 * each.line;
      reject.code = each.user;
      const auto record = fmt::format(R"({{"uid":"{}"}})", each.user);
      reject.record = record;
      std::string line;
      append_reject_line(line, reject);
      if (!each.retried_as.empty())
        line.replace(
            line.rfind('}'), 1,
            fmt::format(R"(,"retried_as":"{}","retried_line":{}}})", each.retried_as, each.retried_line));
      bytes += line;
    }
    rejects.disk.put(rejects.path(name), bytes);
    if (sequence != 0)
      rejects.disk.put(rejects.layout.done() + "/" + name + ".receipt.json",
                       fmt::format(R"({{"file":"{}","sequence":{}}})", name, sequence));
  };
  const auto found = [&](const RejectFilter& filter) {
    std::vector<std::string> places;
    const auto note = [&](const StoredReject& reject) -> Result<void> {
      places.push_back(fmt::format("{}:{}", reject.file, reject.line));
      return {};
    };
    CHECK(rejects.store.visit_oldest_first(filter, note).has_value());
    return places;
  };
  put("a-newer", 7, {{1, "u", "", 0}});
  put("old", 5, {{1, "u", "retry-1", 1}, {2, "v", "retry-1", 2}, {3, "w", "", 0}});
  put("retry-1", 9, {{1, "u", "retry-2", 4}, {2, "v", "", 0}, {3, "x", "", 0}});
  put("retry-2", 11, {{4, "u", "", 0}, {5, "y", "", 0}});
  CHECK(found({}) == Places{"old:1", "retry-1:1", "retry-2:4", "old:2", "retry-1:2", "old:3", "a-newer:1",
                            "retry-1:3", "retry-2:5"});
  RejectFilter filter;
  filter.uid = "u";
  CHECK(found(filter) == Places{"old:1", "retry-1:1", "retry-2:4", "a-newer:1"});
  filter.uid.reset();
  filter.file = "retry-2";
  CHECK(found(filter) == Places{"retry-2:4", "retry-2:5"});
  // The old file's receipt is gone by now, its rejects are not.
  REQUIRE(rejects.disk.remove(rejects.layout.done() + "/old.receipt.json").has_value());
  put("b-gone", 0, {{1, "z", "", 0}});
  filter = {};
  filter.uid = "u";
  CHECK(found(filter) == Places{"old:1", "retry-1:1", "retry-2:4", "a-newer:1"});
  // A mark of another user's line tells nothing.
  put("old", 5, {{1, "other", "retry-1", 1}});
  CHECK(found(filter) == Places{"a-newer:1", "retry-1:1", "retry-2:4"});
}
