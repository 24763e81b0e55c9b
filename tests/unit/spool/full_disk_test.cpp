#include "tests/fakes/manual_timers.hpp"
#include "tests/fakes/mem_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"
#include "usherd/spool/claim.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/spool/drop.hpp"
#include "usherd/spool/space_reserve.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <map>

using namespace usherd;
using namespace usherd::test;

namespace {

const Error kFull{Errc::no_space, "No space left on device"};

/// A spool in memory beside a ledger on the disk.
struct FullDisks {
  TempSpool spool;
  fakes::MemFiles disk;
  fakes::ManualTimers timers{spool.loop.get_executor()};

  FullDisks() {
    for (const auto& folder : {spool.layout.root(), spool.layout.incoming(), spool.layout.working(),
                               spool.layout.done(), spool.layout.rejected()})
      disk.make_directory(folder);
  }
  /// One look of a running daemon: what it could not finish before, then what stands in incoming/.
  ClaimReport look(Claimer& claimer) {
    std::vector<SeenFile> group;
    for (const auto& name : disk.names(spool.layout.incoming())) {
      SeenFile seen;
      seen.name = name;
      seen.stat = disk.stat(spool.layout.incoming() + "/" + name).value();
      group.push_back(std::move(seen));
    }
    return spool.run(claimer.take(std::move(group)));
  }
};

/// Feeds a text to drop() in small pieces.
DropSource source_of(const std::string& text) {
  return [&text, at = std::size_t{0}](std::span<char> into) mutable -> Result<std::size_t> {
    const auto count = std::min({into.size(), text.size() - at, std::size_t{7}});
    std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
    at += count;
    return count;
  };
}

}  // namespace

TEST_CASE(
    "a disk that is full at any write of a claim delays it, and the running daemon takes each file once") {
  bool went_through = false;
  for (std::uint64_t effect = 1; !went_through; ++effect) {
    CAPTURE(effect);
    REQUIRE(effect < 200);
    FullDisks full;
    std::map<std::string, std::string> dropped;
    for (int file = 0; file < 4; ++file) {
      const auto name = fmt::format("{}{}.ndjson", file % 2 == 0 ? "" : "odd\x01", file);
      dropped[name] = fmt::format("content {}", file);
      full.disk.put(full.spool.layout.incoming() + "/" + name, dropped[name]);
    }
    Claimer claimer(full.spool.layout, full.disk, full.timers, full.spool.workers, *full.spool.commits, 0);
    full.disk.fail_at(full.disk.effects() + effect, kFull);
    const auto before = full.disk.effects();
    const auto first = full.look(claimer);
    went_through = full.disk.effects() - before < effect;
    full.disk.heal();
    for (int again = 0; again < 2; ++again) {
      const auto report = full.look(claimer);
      CHECK_FALSE(report.stopped);
    }
    std::map<std::string, std::string> accepted;
    for (const auto& row : full.spool.rows()) {
      CHECK_FALSE(accepted.contains(row.original));
      accepted[row.original] = full.disk.content(full.spool.layout.working_file(row));
    }
    CHECK(accepted == dropped);
    CHECK(full.disk.names(full.spool.layout.incoming()).empty());
    // A note of an original name may stay: the next start removes it.
    const auto names = full.disk.names(full.spool.layout.working());
    CHECK(std::count_if(names.begin(), names.end(), [](const auto& name) {
            return SpoolLayout::parse_working_name(name).first != 0;
          }) == 4);
  }
}

TEST_CASE("a disk that is full at any write of a conversion delays it, and the next try is whole") {
  std::string document = "[";
  for (int i = 0; i < 300; ++i)
    document += fmt::format("{}{{\"uid\":\"{}\",\"properties\":{{\"text\":\"{}\"}}}}", i == 0 ? "" : ",", i,
                            std::string(2000, 'x'));
  document += "]";
  std::string expected;
  bool went_through = false;
  std::uint64_t refused = 0;
  for (std::uint64_t effect = 1; !went_through; ++effect) {
    CAPTURE(effect);
    REQUIRE(effect < 200);
    FullDisks full;
    SpoolFile file;
    file.number = 1;
    file.name = file.original = "a.json";
    file.working = "000000000001.a.json";
    file.size = document.size();
    full.disk.put(full.spool.layout.working_file(file), document);
    full.disk.fail_at(full.disk.effects() + effect, kFull);
    const auto first = convert_file(full.disk, full.spool.layout, file);
    went_through = first.has_value();
    if (!first) {
      ++refused;
      CHECK(first.error().code == Errc::no_space);
    }
    full.disk.heal();
    const auto second = convert_file(full.disk, full.spool.layout, file);
    REQUIRE(second.has_value());
    const auto records = full.disk.content(full.spool.layout.records(1));
    CHECK(records.size() == second->read_size);
    if (expected.empty())
      expected = records;
    CHECK(records == expected);
  }
  CHECK(refused > 5);
}

TEST_CASE("a disk that is full at any write of a drop leaves nothing that could be taken for a whole file") {
  const std::string text(100, 'x');
  std::uint64_t refused = 0;
  bool went_through = false;
  for (std::uint64_t effect = 1; !went_through; ++effect) {
    CAPTURE(effect);
    REQUIRE(effect < 200);
    FullDisks full;
    full.disk.fail_at(full.disk.effects() + effect, kFull);
    const auto dropped = drop(full.disk, full.spool.layout, "a.ndjson", source_of(text));
    went_through = dropped.has_value();
    refused += dropped ? 0 : 1;
    const auto names = full.disk.names(full.spool.layout.incoming());
    if (dropped)
      CHECK(names == std::vector<std::string>{"a.ndjson"});
    for (const auto& name : names)
      CHECK(full.disk.content(full.spool.layout.incoming() + "/" + name) == text);
  }
  CHECK(refused > 3);
}

TEST_CASE("space is kept back once, given away once, and kept back again") {
  TempDirectory directory;
  SpaceReserve reserve({directory.path(), directory.path()});
  const auto path = directory.path() + "/.usherd-reserve";
  CHECK_FALSE(reserve.is_spent());
  REQUIRE(reserve.hold().has_value());
  REQUIRE(reserve.hold().has_value());
  struct ::stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK(static_cast<std::uint64_t>(found.st_size) >= SpaceReserve::kLeastBytes);
  // Sparse bytes keep nothing back.
  CHECK(found.st_blocks * 512 >= found.st_size);
  CHECK(reserve.give());
  CHECK(reserve.is_spent());
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(reserve.give());
  REQUIRE(reserve.hold().has_value());
  CHECK_FALSE(reserve.is_spent());
  CHECK(std::filesystem::exists(path));
}
