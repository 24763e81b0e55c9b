#include "usherd/batch/body_digest.hpp"
#include "usherd/batch/freezer.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/batch/open_batch.hpp"
#include "usherd/batch/record_sums.hpp"

#include "tests/unit/batch/spool_text.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace usherd;
using usherd::test::framed;
using usherd::test::read_body;
using usherd::test::SpoolText;

namespace {

/// Several files, one with CRLF, of which a batch holds some lines, and two merged records.
struct Mixed {
  Mixed() {
    text.add(5, {"{\"uid\":\"a\"}", "{\"uid\":\"b\"}", "{\"uid\":\"c\"}", "{\"uid\":\"d\"}"});
    text.add(3, {"{\"uid\":\"e\"} ", "\t{\"uid\":\"f\"}", "{\"uid\":\"g\"}"}, "\r\n");
    text.add(9, {"{\"uid\":\"h\"}", "{\"uid\":\"i\"}", "{\"uid\":\"j\"}"});
    const auto& r = text.records;
    picked = {r[0][0], r[0][1], r[0][3], r[1][0], r[1][1], r[1][2], r[2][2]};
    MergedRecord first{r[2][0].record.user, {r[2][0], r[0][2]}, "{\"uid\":\"h\",\"email\":\"x\"}"};
    MergedRecord second{r[2][1].record.user, {r[2][1]}, "{\"uid\":\"i\"}"};
    merged = {first, second};
    draft = drafted(picked, merged);
    text.disk.put(SpoolText::kMerged, draft.merged_bytes);
    // By number of file, then by offset; merged ones at the end.
    const auto line = [&](std::size_t slot, std::size_t index) { return text.line(r[slot][index]); };
    records = {line(1, 0), line(1, 1), line(1, 2), line(0, 0), line(0, 1),
               line(0, 3), line(2, 2), first.line, second.line};
  }

  /// Of a copy: the records are put into order.
  [[nodiscard]] DraftBatch drafted(std::vector<QueuedRecord> of,
                                   const std::vector<MergedRecord>& with) const {
    return test::draft_of(of, with, text.numbers);
  }

  SpoolText text;
  std::vector<QueuedRecord> picked;
  std::vector<MergedRecord> merged;
  DraftBatch draft;
  std::vector<std::string> records;
};

Digest digest_of(const std::vector<std::string>& records) {
  BodyDigest digest;
  for (const auto& record : records)
    digest.add(record_sum(record));
  return digest.value();
}

/// Reads it through a buffer of `size` bytes.
Digest digest_read(Mixed& mixed, std::size_t size, int framing = kFramingVersion,
                   std::span<const RecordSum> known = {}) {
  const auto manifest = mixed.draft.manifest.encode();
  BodyReader reader(mixed.text.disk, manifest, mixed.text.paths, framing, nullptr, known);
  std::vector<char> buffer(size);
  while (reader.read(buffer).value() > 0) {
  }
  return reader.digest();
}

}  // namespace

TEST_CASE("A manifest orders records by file and offset and makes neighbouring lines one run") {
  Mixed mixed;
  std::vector<Run> expected{{3, 0, 40, 1, 3}, {5, 0, 23, 1, 2}, {5, 36, 11, 4, 1}, {9, 24, 11, 3, 1}};
  CHECK(mixed.draft.manifest.runs == expected);
  CHECK(mixed.draft.users ==
        std::vector<std::uint64_t>{3001, 3002, 3003, 5001, 5002, 5004, 9003, 9001, 9002});
  CHECK(mixed.draft.seconds.empty());
  SUBCASE("in whatever order they were packed") {
    std::mt19937 random(1);
    for (int i = 0; i < 20; ++i) {
      std::shuffle(mixed.picked.begin(), mixed.picked.end(), random);
      const auto draft = mixed.drafted(mixed.picked, mixed.merged);
      REQUIRE(draft.manifest == mixed.draft.manifest);
      REQUIRE(draft.users == mixed.draft.users);
    }
  }
}

TEST_CASE("A manifest names the sources of merged records and where their bytes stand") {
  Mixed mixed;
  const auto& literals = mixed.draft.manifest.literals;
  REQUIRE(literals.size() == 2);
  CHECK(literals[0] == Literal{0, 23, {{9, 0, 11, 1, 1}, {5, 24, 11, 3, 1}}});
  CHECK(literals[1] == Literal{24, 11, {{9, 12, 11, 2, 1}}});
  CHECK(mixed.draft.merged_bytes == "{\"uid\":\"h\",\"email\":\"x\"}\n{\"uid\":\"i\"}\n");
}

TEST_CASE("Second keys stand at the places of their records, with 0 for all others") {
  Mixed mixed;
  mixed.picked[2].record.second = 77;
  auto draft = mixed.drafted(mixed.picked, mixed.merged);
  CHECK(draft.seconds == std::vector<std::uint64_t>{0, 0, 0, 0, 0, 77, 0, 0, 0});
  mixed.picked[3].record.second = 88;
  draft = mixed.drafted(mixed.picked, {});
  CHECK(draft.seconds == std::vector<std::uint64_t>{88, 0, 0, 0, 0, 77, 0});
}

TEST_CASE("Each file's share counts its records and merged sources and ends where the last of them ends") {
  Mixed mixed;
  const auto shares = shares_of(mixed.draft.manifest);
  REQUIRE(shares.size() == 3);
  struct Row {
    FileNumber file;
    std::uint64_t records;
    std::uint64_t end;
  };
  const Row rows[] = {{3, 3, 40}, {5, 4, 47}, {9, 3, 35}};
  std::uint64_t records = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(rows[i].file);
    CHECK(shares[i].file == rows[i].file);
    CHECK(shares[i].records == rows[i].records);
    CHECK(shares[i].end_offset == rows[i].end);
    records += shares[i].records;
  }
  CHECK(records == mixed.draft.manifest.records());
}

TEST_CASE("A body is the records between commas in their frame, whatever the size of the buffer") {
  Mixed mixed;
  const auto expected = framed(mixed.records);
  CHECK(mixed.draft.body_length == expected.size());
  for (std::size_t size = 1; size <= 200; ++size) {
    CAPTURE(size);
    REQUIRE(read_body(mixed.text.disk, mixed.draft.manifest, mixed.text.paths, size) == expected);
  }
}

TEST_CASE("Short runs that stand close together, of which many are read at once, make the same body") {
  SpoolText text;
  std::mt19937 random(5);
  for (const FileNumber number : {2, 4}) {
    std::vector<std::string> lines;
    for (int i = 0; i < 3000; ++i)
      lines.push_back("{\"uid\":\"" + std::string(1 + random() % 60, 'a' + static_cast<char>(i % 26)) +
                      "\"}");
    text.add(number, lines);
  }
  std::vector<QueuedRecord> picked;
  std::vector<std::string> expected;
  for (std::size_t slot = 0; slot < 2; ++slot) {
    // Now and then a gap wider than what is read at once, and a long run.
    for (std::size_t i = 0; i < 3000; i += i % 500 == 499 ? 900 : 1 + random() % 4) {
      picked.push_back(text.records[slot][i]);
      expected.push_back(text.line(picked.back()));
    }
  }
  const auto draft = test::draft_of(picked, {}, text.numbers);
  REQUIRE(draft.manifest.runs.size() > 500);
  for (const std::size_t size : {13UL, 256UL, 5000UL, 1UL << 20}) {
    CAPTURE(size);
    REQUIRE(read_body(text.disk, draft.manifest, text.paths, size) == framed(expected));
  }
  SUBCASE("and a file that lost its end is told") {
    text.disk.put("/working/4", text.disk.content("/working/4").substr(0, 90'000));
    CHECK(read_body(text.disk, draft.manifest, text.paths, 5000).find("shorter") != std::string::npos);
  }
}

TEST_CASE("Bodies of one kind of record, and of none, are framed as well") {
  Mixed mixed;
  auto manifest = mixed.draft.manifest;
  auto expected = mixed.records;
  SUBCASE("only runs") {
    manifest.literals.clear();
    expected.resize(7);
  }
  SUBCASE("only merged records") {
    manifest.runs.clear();
    expected.erase(expected.begin(), expected.begin() + 7);
  }
  SUBCASE("none") {
    manifest = Manifest{};
    expected.clear();
  }
  for (const std::size_t size : {1U, 2U, 7U, 64U, 4096U}) {
    CHECK(read_body(mixed.text.disk, manifest, mixed.text.paths, size) == framed(expected));
  }
  CHECK(body_length(manifest) == framed(expected).size());
}

TEST_CASE("The packed size of a batch is the length of its body") {
  Mixed mixed;
  OpenBatch batch(1);
  for (const auto& queued : mixed.picked)
    batch.add(queued.record, queued.file);
  const auto draft = mixed.drafted(mixed.picked, {});
  // An open batch counts a comma more, which its last record does not have.
  CHECK(batch.body_bytes() == draft.body_length + 1);
}

TEST_CASE("A digest depends on the records alone and not on how they were read") {
  Mixed mixed;
  const auto whole = digest_of(mixed.records);
  StreamedHash framed_whole;
  framed_whole.update(framed(mixed.records));
  for (std::size_t size = 1; size <= framed(mixed.records).size() + 1; ++size) {
    CAPTURE(size);
    REQUIRE(digest_read(mixed, size) == whole);
    // Batches that an earlier version froze.
    REQUIRE(digest_read(mixed, size, kFramingOfWholeBodies) == framed_whole.value());
  }
  auto changed = mixed.records;
  SUBCASE("a byte") {
    changed[3][2] ^= 1;
  }
  SUBCASE("the order") {
    std::swap(changed[3], changed[4]);
  }
  SUBCASE("where records part") {
    changed[3] += "," + changed[4];
    changed.erase(changed.begin() + 4);
  }
  SUBCASE("one less") {
    changed.pop_back();
  }
  CHECK(digest_of(changed) != whole);
}

TEST_CASE("Known lengths of records change nothing, whether they are right or wrong") {
  Mixed mixed;
  const auto whole = digest_of(mixed.records);
  const auto right = record_sums(mixed.draft.lengths, mixed.draft.sums);
  auto few = right;
  few.resize(3);
  auto wrong = right;
  for (std::size_t i = 0; i < wrong.size(); ++i)
    wrong[i].length = static_cast<std::uint32_t>(i * 7);
  const auto gone_on = std::vector<RecordSum>(50, RecordSum{11, 0});
  for (const std::size_t size : {1, 2, 11, 12, 40, 41, 100, 4096}) {
    for (const auto& known : {right, few, wrong, gone_on})
      REQUIRE(digest_read(mixed, size, kFramingVersion, known) == whole);
  }
  // A record that was cut in two is told, though a newline stands where it should.
  auto bytes = mixed.text.disk.content("/working/3");
  bytes[4] = '\n';
  mixed.text.disk.put("/working/3", bytes);
  CHECK(digest_read(mixed, 4096, kFramingVersion, right) != whole);
}

TEST_CASE("A digest of many records is that of their sums in a row") {
  BodyDigest digest;
  StreamedHash plain;
  for (std::uint64_t sum = 1; sum <= 1000; ++sum) {
    digest.add(sum);
    plain.update({reinterpret_cast<const char*>(&sum), sizeof sum});
    REQUIRE(digest.value() == plain.value());
  }
}

TEST_CASE("Freezing reads the records whose sums nobody knows, and no others") {
  for (std::size_t known = 0; known < 3; ++known) {
    CAPTURE(known);
    SpoolText text;
    std::vector<std::string> lines;
    for (int i = 0; i < 100; ++i)
      lines.push_back("{\"uid\":\"u" + std::to_string(i) + "\"}");
    text.add(4, lines);
    auto records = text.records[0];
    // None, all but a few, all.
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (known == 2 || (known == 1 && i % 40 != 7))
        records[i].record.sum = record_sum(lines[i]);
    }
    auto draft = test::draft_of(records, {}, text.numbers);
    // What changed since it was checked keeps the sum of what was checked.
    auto bytes = text.disk.content("/working/4");
    bytes[bytes.find("u50")] = 'U';
    text.disk.put("/working/4", bytes);
    if (known == 0)
      lines[50][8] = 'U';
    if (known == 2)
      text.disk.remove("/working/4").value();
    CHECK(freeze_body(text.disk, draft, text.paths, "/working").value() == digest_of(lines));
  }
}

TEST_CASE("Freezing makes merged records durable and gives the digest of the body that will be read") {
  Mixed mixed;
  mixed.text.disk.remove(SpoolText::kMerged).value();
  const auto digest = freeze_body(mixed.text.disk, mixed.draft, mixed.text.paths, "/working");
  REQUIRE(digest);
  CHECK(*digest == digest_of(mixed.records));
  mixed.text.disk.drop_unsynced();
  CHECK(read_body(mixed.text.disk, mixed.draft.manifest, mixed.text.paths, 4096) == framed(mixed.records));
}

TEST_CASE("A body whose file became shorter, or is not there, is an error and no body") {
  Mixed mixed;
  SUBCASE("shorter") {
    mixed.text.disk.put("/working/5", mixed.text.disk.content("/working/5").substr(0, 46));
    const auto manifest = mixed.draft.manifest.encode();
    for (std::size_t size = 1; size <= 200; ++size) {
      BodyReader reader(mixed.text.disk, manifest, mixed.text.paths);
      std::vector<char> buffer(size);
      Result<std::size_t> got = std::size_t{1};
      while (got && *got > 0)
        got = reader.read(buffer);
      REQUIRE_FALSE(got);
      REQUIRE(got.error().code == Errc::corrupt);
    }
  }
  SUBCASE("merged records shorter") {
    mixed.text.disk.put(SpoolText::kMerged, "{\"uid\":");
    CHECK(read_body(mixed.text.disk, mixed.draft.manifest, mixed.text.paths, 64).front() == '[');
  }
  SUBCASE("a file that nobody knows") {
    mixed.text.paths.files = PathTable{};
    mixed.text.paths.files.put(3, "/working/3");
    CHECK(read_body(mixed.text.disk, mixed.draft.manifest, mixed.text.paths, 64) ==
          "[file 5 of the batch is not in working/]");
  }
  SUBCASE("removed") {
    mixed.text.disk.remove("/working/5").value();
    CHECK(read_body(mixed.text.disk, mixed.draft.manifest, mixed.text.paths, 64).front() == '[');
  }
  CHECK_FALSE(freeze_body(mixed.text.disk, mixed.draft, mixed.text.paths, "/nowhere"));
}
