#include "usherd/app/doctor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace usherd;

namespace {

SpoolFile open_file(FileNumber number, const std::string& name) {
  SpoolFile file;
  file.number = number;
  file.name = name;
  file.original = name;
  file.working = "00000000000" + std::to_string(number) + "." + name;
  file.state = FileState::ready;
  file.size = 100;
  file.read_size = 100;
  return file;
}

/// A spool in order: two files being read, one converted, a frozen batch with merged records.
struct Pair {
  SpoolSurvey spool;
  LedgerSurvey ledger;

  Pair() {
    auto converted = open_file(2, "b.json");
    converted.converted = true;
    auto first = open_file(1, "a.ndjson");
    first.mark.local_length = 40;
    first.mark.local_rejected = 2;
    ledger.last_file = 5;
    ledger.open = {first, converted};
    ledger.batches = {{7, true, {}}};
    ledger.rejects[1] = {6};
    spool.working = {{"000000000001.a.ndjson", 100}, {"000000000002.b.json", 100},
                     {"f000000000002.records", 100}, {"f000000000002.origins", 24},
                     {"f000000000001.local", 40},    {"f000000000001.b000000000006.rejects", 9},
                     {"b000000000007.merged", 50}};
  }
  [[nodiscard]] std::vector<std::string> found() const {
    std::vector<std::string> words;
    for (const auto& finding : diagnose(spool, ledger))
      words.push_back(std::string(word_of(finding.kind)) + (finding.remedy.empty() ? "" : "+"));
    return words;
  }
  [[nodiscard]] Finding only() const {
    const auto findings = diagnose(spool, ledger);
    REQUIRE(findings.size() == 1);
    return findings.front();
  }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a spool and a state that belong together have nothing to be found") {
  CHECK(Pair().found().empty());
}

TEST_CASE("an accepted file that is not in working/ is missing, unless its end was only cut short") {
  Pair pair;
  pair.spool.working.erase("000000000001.a.ndjson");
  CHECK(pair.only().kind == FindingKind::missing_file);
  CHECK(pair.only().file == 1);
  CHECK(pair.only().name == "000000000001.a.ndjson");
  CHECK(pair.only().what.find("a.ndjson") != std::string::npos);
  pair.spool.published.insert(1);
  CHECK(pair.found().empty());
}

TEST_CASE("an accepted file that is shorter than it was is told, unless a repair emptied it") {
  Pair pair;
  auto& size = pair.spool.working["000000000001.a.ndjson"];
  size = 101;  // a tail enters as a file of its own
  CHECK(pair.found().empty());
  size = 99;
  CHECK(pair.only().kind == FindingKind::short_file);
  CHECK(pair.only().remedy.empty());
  CHECK(pair.only().advice.find("file_changed") != std::string::npos);
  pair.spool.working["f000000000001.emptied"] = 0;
  CHECK(pair.found() == Words{"short_file"});
  size = 0;
  CHECK(pair.found().empty());
  pair.spool.working.erase("f000000000001.emptied");
  CHECK(pair.found() == Words{"short_file"});
  // Of one that was converted, what is missing of the conversion is told with that.
  Pair converted;
  converted.spool.working["000000000002.b.json"] = 99;
  CHECK(converted.found() == Words{"short_file"});
  converted.spool.working["f000000000002.records"] = 99;
  CHECK(converted.found() == Words{"missing_part+"});
}

TEST_CASE("the only file of an accepted one's number and length is that file under another name") {
  Pair pair;
  pair.spool.working.erase("000000000001.a.ndjson");
  pair.spool.working["000000000001.q.ndjson"] = 100;
  CHECK(pair.only().kind == FindingKind::renamed);
  CHECK(pair.only().file == 1);
  CHECK(pair.only().name == "000000000001.q.ndjson");
  // Which of two it is nobody can tell, nor whether one of another length is.
  SUBCASE("two") {
    pair.spool.working["000000000001.r.ndjson"] = 100;
    CHECK(pair.found() == Words{"missing_file+", "orphan", "orphan"});
  }
  SUBCASE("another length") {
    pair.spool.working["000000000001.q.ndjson"] = 101;
    CHECK(pair.found() == Words{"missing_file+", "orphan"});
  }
  SUBCASE("no file") {
    pair.spool.odd.insert("000000000001.q.ndjson");
    CHECK(pair.found() == Words{"missing_file+", "orphan"});
  }
}

TEST_CASE("numbers beyond the ledger's tell a copy from before, and what of working/ is newer") {
  Pair pair;
  pair.ledger.last_batch = 7;
  pair.spool.numbers = {9, 5, 7};
  pair.spool.working["000000000008.c.ndjson"] = 10;
  // Files that were claimed and never committed are what a crash leaves.
  CHECK(pair.found().empty());
  for (const auto& numbers : {Numbers{9, 6, 7}, Numbers{9, 5, 8}}) {
    pair.spool.numbers = numbers;
    CHECK(pair.only().kind == FindingKind::older_state);
    CHECK(pair.only().file == 0);
    CHECK(pair.only().what.find("holds 1 files that are newer") != std::string::npos);
    CHECK(pair.only().remedy.find("above 9") != std::string::npos);
  }
}

TEST_CASE("a file that ended elsewhere is told once, and its batch is no other finding") {
  Pair pair;
  pair.spool.working.erase("000000000001.a.ndjson");
  pair.ledger.ended_elsewhere.insert(1);
  pair.ledger.batches.front().matches = false;
  pair.ledger.batches.front().of_ended = true;
  CHECK(pair.only().kind == FindingKind::older_state);
  CHECK(pair.only().file == 1);
  CHECK_FALSE(pair.only().remedy.empty());
}

TEST_CASE(
    "a file of working/ that the ledger does not know is an orphan, but for those that a start adopts") {
  Pair pair;
  pair.spool.working["000000000003.lost.ndjson"] = 10;
  CHECK(pair.only().kind == FindingKind::orphan);
  CHECK(pair.only().name == "000000000003.lost.ndjson");
  pair.spool.working.erase("000000000003.lost.ndjson");
  pair.spool.working["000000000006.new.ndjson"] = 10;
  pair.spool.working["f000000000006.original"] = 3;
  CHECK(pair.found().empty());
  // Another name under an open file's number has no business there.
  pair.spool.working["000000000001.other.ndjson"] = 10;
  CHECK(pair.found() == Words{"orphan+"});
}

TEST_CASE("an orphan that has ended, or may have, is never offered to be delivered again") {
  Pair pair;
  pair.spool.working["000000000004.old.ndjson"] = 10;
  SUBCASE("the ledger knows that it has") {
    pair.ledger.settled.insert(4);
  }
  SUBCASE("the ledger has forgotten files of that age") {
    pair.ledger.last_forgotten = 4;
  }
  CHECK(pair.found() == Words{"orphan"});
}

TEST_CASE("a conversion that is lost together with its file can still be brought to an end") {
  Pair pair;
  pair.spool.working.erase("000000000002.b.json");
  pair.spool.working.erase("f000000000002.records");
  CHECK(pair.found() == Words{"missing_file+", "missing_part+"});
  // As a repair leaves it.
  pair.spool.working["000000000002.b.json"] = 0;
  pair.spool.working["f000000000002.records"] = 0;
  CHECK(pair.found().empty());
  // Beside a whole file an empty conversion is a damage that can be undone.
  pair.spool.working["000000000002.b.json"] = 100;
  CHECK(pair.found() == Words{"missing_part+"});
}

TEST_CASE("what a repair of a missing file leads to depends on whether anything of it can have been sent") {
  Pair pair;
  pair.ledger.open[1].state = FileState::accepted;
  pair.ledger.open[1].converted = false;
  pair.spool.working.erase("000000000002.b.json");
  pair.spool.working.erase("f000000000002.records");
  pair.spool.working.erase("f000000000002.origins");
  CHECK(pair.only().remedy.find("refuses it whole") != std::string::npos);
}

TEST_CASE("a frozen batch whose files are other ones is told") {
  Pair pair;
  pair.ledger.batches = {{7, false, "other bytes"}};
  CHECK(pair.only().kind == FindingKind::changed_batch);
  CHECK(pair.only().batch == 7);
}

TEST_CASE("a frozen batch that cannot be read now is told, and never ended for it") {
  Pair pair;
  pair.ledger.batches = {{7, false, "Permission denied", true}};
  CHECK(pair.only().kind == FindingKind::unreadable);
  CHECK(pair.only().remedy.empty());
}

TEST_CASE("something else than a file in an accepted file's place is told, and not overwritten") {
  Pair pair;
  pair.spool.odd.insert(pair.ledger.open.front().working);
  CHECK(pair.only().kind == FindingKind::missing_file);
  CHECK(pair.only().remedy.empty());
}

TEST_CASE("what was derived from a file can be made again or must be put back") {
  Pair pair;
  SUBCASE("a conversion that is too short is made again") {
    pair.spool.working["f000000000002.records"] = 99;
    CHECK(pair.found() == Words{"missing_part+"});
  }
  SUBCASE("origins are a part of it") {
    pair.spool.working.erase("f000000000002.origins");
    CHECK(pair.found() == Words{"missing_part+"});
  }
  SUBCASE("without its file an empty one takes the place of both") {
    pair.spool.working.erase("f000000000002.records");
    pair.spool.working.erase("000000000002.b.json");
    CHECK(pair.found() == Words{"missing_file+", "missing_part+"});
  }
  SUBCASE("reject lines cannot be made again") {
    pair.spool.working["f000000000001.local"] = 39;
    pair.spool.working.erase("f000000000001.b000000000006.rejects");
    CHECK(pair.found() == Words{"missing_part", "missing_part"});
  }
}

TEST_CASE("leftovers are told from what a cut settlement still needs, and from what is not ours") {
  Pair pair;
  pair.ledger.settled.insert(4);
  pair.spool.working["f000000000003.records"] = 1;   // of a file that is gone
  pair.spool.working["f000000000004.local"] = 1;     // of one that is settled
  pair.spool.working["b000000000003.merged"] = 1;    // of a batch that has ended
  pair.spool.working["f000000000001.original"] = 1;  // its row holds the name
  CHECK(pair.found() == Words{"leftover+", "leftover+", "leftover+", "leftover+"});
  Pair other;
  other.spool.working["core"] = 1;
  CHECK(other.found() == Words{"foreign"});
}

TEST_CASE("what a killed `rejects` left is one finding that names it all and can be repaired") {
  Pair pair;
  pair.spool.cut_retries = {"incoming/.usherd-retry-x", "rejected/.evil\x1b[2J.rejects.ndjson.new"};
  const auto finding = pair.only();
  CHECK(word_of(finding.kind) == "cut_retry");
  CHECK(finding.what.find("incoming/.usherd-retry-x, rejected/.evil") != std::string::npos);
  CHECK(finding.what.find('\x1b') == std::string::npos);
  CHECK_FALSE(finding.remedy.empty());
}

TEST_CASE("names of files cannot play tricks on the terminal of who reads the findings") {
  for (const std::string name : {"evil\x1b[2J", "000000000003.evil\x1b[2J", "b000000000009.evil\x1b[2J"}) {
    Pair pair;
    pair.spool.working[name] = 1;
    const auto finding = pair.only();
    CHECK(finding.what.find('\x1b') == std::string::npos);
    CHECK(finding.advice.find('\x1b') == std::string::npos);
  }
  Pair pair;
  pair.ledger.open.front().name = "evil\x1b[2J";
  pair.ledger.open.front().working = "000000000001.evil\x1b[2J";
  for (const auto& finding : diagnose(pair.spool, pair.ledger)) {
    CHECK(finding.what.find('\x1b') == std::string::npos);
    CHECK(finding.advice.find('\x1b') == std::string::npos);
  }
}
