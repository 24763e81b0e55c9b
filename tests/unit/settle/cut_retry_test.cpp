#include "tests/unit/settle/replay_bench.hpp"

#include "usherd/settle/cut_retries.hpp"

#include <fmt/ranges.h>

#include <algorithm>

using namespace usherd;
using namespace usherd::test;

namespace {

const Error kFull{Errc::no_space, "No space left on device"};
const Error kGone{Errc::io, "the power is gone"};
constexpr std::string_view kAnonymous = R"({"email":"x"})";

/// How a retry is cut short at one of its effects.
enum class Cut : std::uint8_t {
  full,   ///< one write is refused, and what follows works
  kill,   ///< nothing works any more; what was done stands
  power,  ///< and of that only what was synced
};

/// Rejects of two files, one of them of a record that no later data tells of.
struct Rejected : ReplayBench {
  Rejected() {
    file(1, {R"({"uid":"a"})", std::string(kAnonymous), R"({"uid":"b"})"}, 3);
    batch(1, 1, 1, {"a", "anonymous", "b"});
    end(1, 1, {"a", "anonymous"});
    reject(1, 1, Stage::api, "bad", R"({"uid":"a"})", 1);
    reject(1, 2, Stage::api, "bad", kAnonymous, 1);
    file(2, {R"({"uid":"c"})", R"({"uid":"d"})"}, 2);
    reject(2, 2, Stage::local, "bad", R"({"uid":"d"})", 0);
  }

  /// The disk as it was; the ledger no retry changes.
  void begin_again() {
    disk = fakes::MemFiles();
    for (const auto& folder :
         {layout.root(), layout.incoming(), layout.working(), layout.done(), layout.rejected()})
      disk.make_directory(folder);
    for (const auto& [number, records] : lines)
      disk.put(layout.working() + "/" + SpoolLayout::working_name(number, name(number)),
               fmt::format("{}\n", fmt::join(records, "\n")));
    for (const auto& [number, bytes] : reject_lines)
      disk.put(rejects_path(number), bytes);
  }

  /// Runs it with a cut at effect number `effect`, from 1; whether it went through.
  template <class Act>
  bool cut_at(Cut cut, std::uint64_t effect, Act act) {
    if (cut == Cut::full)
      disk.fail_at(disk.effects() + effect, kFull);
    else
      disk.fail_from(disk.effects() + effect, kGone);
    const auto done = act();
    disk.heal();
    if (cut == Cut::power)
      disk.drop_unsynced();
    return done.has_value();
  }
  [[nodiscard]] Result<void> finish() { return CutRetries(disk, layout).finish(); }

  /// Either all went out and is marked with its place there, or nothing of both; and nothing is left besides.
  [[nodiscard]] bool is_whole() const {
    const auto one = disk.content(rejects_path(1));
    const auto two = disk.content(rejects_path(2));
    CHECK(disk.names(layout.rejected()) ==
          std::vector<std::string>{"f1.ndjson.rejects.ndjson", "f2.ndjson.rejects.ndjson"});
    const auto dropped = disk.names(layout.incoming());
    if (dropped.empty()) {
      CHECK(one == reject_lines.at(1));
      CHECK(two == reject_lines.at(2));
      return false;
    }
    CHECK(dropped == std::vector<std::string>{"retry-1.ndjson"});
    CHECK(disk.content(layout.incoming() + "/retry-1.ndjson") ==
          "{\"uid\":\"a\"}\n" + std::string(kAnonymous) + "\n{\"uid\":\"d\"}\n");
    CHECK(std::count(one.begin(), one.end(), '\n') == 2);
    for (const int line : {1, 2})
      CHECK(one.find(fmt::format(R"("retried_as":"retry-1.ndjson","retried_line":{}}})", line)) !=
            std::string::npos);
    CHECK(two.find(R"("retried_as":"retry-1.ndjson","retried_line":3})") != std::string::npos);
    return true;
  }

  /// What went out is taken in, and nothing of it goes again; what did not goes now.
  void retry_again(bool sent) {
    if (sent)
      REQUIRE(disk.remove(layout.incoming() + "/retry-1.ndjson"));
    ReplayOrder order;
    order.force = true;
    const auto again = retry(order);
    REQUIRE(again.has_value());
    CHECK(again->done == (sent ? 0 : 3));
    CHECK(again->already == (sent ? 3 : 0));
  }
};

/// The number of the effect that shows the new file.
std::uint64_t showing() {
  Rejected bench;
  for (std::uint64_t effect = 1;; ++effect) {
    bench.begin_again();
    REQUIRE_FALSE(bench.cut_at(Cut::kill, effect, [&] { return bench.retry(); }));
    if (bench.disk.exists(bench.layout.incoming() + "/retry-1.ndjson"))
      return effect - 1;
  }
}

}  // namespace

TEST_CASE("a retry that is cut short at any effect is sent and marked whole, or not at all") {
  Rejected bench;
  for (const auto cut : {Cut::full, Cut::kill, Cut::power}) {
    int sent_in_spite = 0;
    bool went_through = false;
    std::uint64_t effect = 1;
    for (; !went_through; ++effect) {
      CAPTURE(static_cast<int>(cut));
      CAPTURE(effect);
      REQUIRE(effect < 100);
      bench.begin_again();
      went_through = bench.cut_at(cut, effect, [&] { return bench.retry(); });
      REQUIRE(bench.finish());
      const bool sent = bench.is_whole();
      CHECK((sent || !went_through));
      sent_in_spite += sent && !went_through ? 1 : 0;
      bench.retry_again(sent);
    }
    CHECK(effect > 15);
    CHECK(sent_in_spite > 3);
  }
}

TEST_CASE("what ends a cut retry may be cut short itself, anywhere and again") {
  Rejected bench;
  // Each time in a later step of the retry, and there in each of its ending.
  for (const auto cut : {Cut::kill, Cut::power}) {
    bool retried = false;
    for (std::uint64_t effect = 1; !retried; ++effect) {
      bool ended = false;
      for (std::uint64_t later = 1; !ended; ++later) {
        CAPTURE(static_cast<int>(cut));
        CAPTURE(effect);
        CAPTURE(later);
        REQUIRE(later < 100);
        bench.begin_again();
        retried = bench.cut_at(cut, effect, [&] { return bench.retry(); });
        ended = bench.cut_at(cut, later, [&] { return bench.finish(); });
        REQUIRE(bench.finish());
        bench.retry_again(bench.is_whole());
      }
    }
  }
}

TEST_CASE("whoever writes rejects next ends a cut retry first, also without being asked to retry") {
  Rejected bench;
  bool went_through = false;
  for (std::uint64_t effect = 1; !went_through; ++effect) {
    CAPTURE(effect);
    REQUIRE(effect < 100);
    bench.begin_again();
    went_through = bench.cut_at(Cut::kill, effect, [&] { return bench.retry(); });
    ReplayOrder none;
    none.filter.code = "other";
    REQUIRE(bench.drop(none).value().matched == 0);
    bench.retry_again(bench.is_whole());
  }
}

TEST_CASE("a retry that was noted and not shown is never sent late, for newer data may have come") {
  Rejected bench;
  REQUIRE_FALSE(bench.cut_at(Cut::kill, showing(), [&] { return bench.retry(); }));
  const CutRetries cut(bench.disk, bench.layout);
  const auto left = cut.find().value();
  REQUIRE(left.size() == 2);
  CHECK(left[0].starts_with("incoming/.usherd-retry-"));
  CHECK(left[1] == "rejected/" + left[0].substr(left[0].find('/') + 1));
  CHECK(cut.any_noted().value());
  REQUIRE(bench.finish());
  CHECK_FALSE(bench.is_whole());
  CHECK(cut.find().value().empty());
  CHECK_FALSE(cut.any_noted().value());
}

TEST_CASE("a rename that left two names of the file is taken back") {
  Rejected bench;
  REQUIRE_FALSE(bench.cut_at(Cut::kill, showing(), [&] { return bench.retry(); }));
  const auto hidden = bench.disk.names(bench.layout.incoming()).at(0);
  bench.disk.link(bench.layout.incoming() + "/" + hidden, bench.layout.incoming() + "/retry-1.ndjson");
  REQUIRE(bench.finish());
  CHECK_FALSE(bench.is_whole());
}

TEST_CASE(
    "a file that somebody else dropped under the name of a retry stays, and its note tells of another") {
  Rejected bench;
  bench.disk.make_directory(bench.layout.incoming() + "/retry-1.ndjson");
  REQUIRE(bench.retry().value().file == "retry-1~2.ndjson");
  Rejected late;
  REQUIRE_FALSE(late.cut_at(Cut::kill, showing(), [&] { return late.retry(); }));
  late.disk.put(late.layout.incoming() + "/retry-1.ndjson", "{}\n");
  REQUIRE(late.finish());
  CHECK(late.disk.content(late.layout.incoming() + "/retry-1.ndjson") == "{}\n");
  CHECK(late.disk.content(late.rejects_path(1)) == late.reject_lines.at(1));
}

TEST_CASE("rejects that expired before they were marked need no mark") {
  Rejected bench;
  // Shown, and nothing marked yet.
  REQUIRE_FALSE(bench.cut_at(Cut::kill, showing() + 1, [&] { return bench.retry(); }));
  REQUIRE(bench.disk.exists(bench.layout.incoming() + "/retry-1.ndjson"));
  bench.forget_rejects(1);
  REQUIRE(bench.finish());
  CHECK(bench.disk.names(bench.layout.rejected()) == std::vector<std::string>{"f2.ndjson.rejects.ndjson"});
  CHECK(bench.disk.content(bench.rejects_path(2)).find("retry-1.ndjson") != std::string::npos);
}

TEST_CASE("leftovers that nothing was noted for go, and what others made beside them stays") {
  Rejected bench;
  const std::string uuid = "0123abcd-0123-4abc-8abc-0123456789ab";
  const auto incoming = bench.layout.incoming() + "/";
  const auto rejected = bench.layout.rejected() + "/";
  bench.disk.put(incoming + ".usherd-retry-" + uuid, "{}\n");
  bench.disk.put(rejected + ".usherd-retry-" + uuid + ".new", "{");
  bench.disk.put(rejected + ".f1.ndjson.rejects.ndjson.new", "{");
  bench.disk.put(incoming + ".usherd-submit-" + uuid, "{}\n");
  bench.disk.put(incoming + ".usherd-retry-mine", "{}\n");
  bench.disk.make_directory(incoming + ".usherd-retry-1" + uuid.substr(1));
  CHECK(CutRetries(bench.disk, bench.layout).find().value().size() == 3);
  REQUIRE(bench.finish());
  CHECK(bench.disk.names(bench.layout.incoming()) ==
        std::vector<std::string>{".usherd-retry-1" + uuid.substr(1), ".usherd-retry-mine",
                                 ".usherd-submit-" + uuid});
  CHECK(bench.disk.names(bench.layout.rejected()).size() == 2);
}
