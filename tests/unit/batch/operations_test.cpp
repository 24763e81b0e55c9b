#include "usherd/batch/operations.hpp"

#include "tests/unit/batch/spool_text.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace usherd;
using usherd::test::framed;
using usherd::test::read_body;
using usherd::test::SpoolText;

namespace {

/// A frozen batch over three files with merged records, and the texts of its operations in order.
struct Frozen {
  explicit Frozen(unsigned seed = 1) {
    std::mt19937 random(seed);
    const auto line = [&] { return "{\"uid\":\"" + std::string(random() % 300, 'u') + "\"}"; };
    for (const FileNumber number : {2U, 4U, 6U}) {
      std::vector<std::string> lines(20 + random() % 30);
      for (auto& each : lines)
        each = line();
      text.add(number, lines, number == 4 ? "\r\n" : "\n");
    }
    std::vector<QueuedRecord> picked;
    std::vector<MergedRecord> merged;
    for (const auto& file : text.records) {
      for (const auto& record : file) {
        if (random() % 5 == 0)
          merged.push_back(MergedRecord{record.record.user, {record, record}, line()});
        else if (random() % 5 != 0)
          picked.push_back(record);
      }
    }
    if (!picked.empty())
      picked.front().record.second = 99;
    for (const auto& record : picked)
      texts.push_back(text.line(record));
    for (const auto& record : merged)
      texts.push_back(record.line);
    auto draft = test::draft_of(picked, merged, text.numbers);
    text.disk.put(SpoolText::kMerged, draft.merged_bytes);
    row.manifest = draft.manifest;
    row.users = draft.users;
    row.seconds = draft.seconds;
    row.body_length = draft.body_length;
  }

  [[nodiscard]] Operations operations() {
    return std::move(Operations::find(text.disk, row.manifest, text.paths).value());
  }

  SpoolText text;
  std::vector<std::string> texts;
  BatchRow row;
};

std::vector<std::size_t> range(std::size_t from, std::size_t to) {
  std::vector<std::size_t> out(to - from);
  std::iota(out.begin(), out.end(), from);
  return out;
}

/// Cuts a batch in halves until each operation stands alone; the texts found there, in order.
void cut(SpoolText& text, const BatchRow& row, const std::string& merged, std::vector<std::string>& found) {
  auto paths = text.paths;
  paths.merged = merged;
  auto operations = Operations::find(text.disk, row.manifest, paths);
  REQUIRE(operations);
  const auto size = operations->size();
  REQUIRE(size == row.users.size());
  if (size == 1) {
    found.push_back(operations->bytes(std::size_t{0}).value());
    CHECK(read_body(text.disk, row.manifest, paths, 100) == framed({found.back()}));
    return;
  }
  const std::vector<std::vector<std::size_t>> halves{range(0, size / 2), range(size / 2, size)};
  std::size_t at = 0;
  for (const auto& half : halves) {
    auto draft = draft_part(*operations, row, half);
    REQUIRE(draft);
    BatchRow child;
    child.manifest = draft->manifest;
    child.users = draft->users;
    child.seconds = draft->seconds;
    for (std::size_t i = 0; i < half.size(); ++i, ++at) {
      REQUIRE(child.users[i] == row.users[at]);
      if (!row.seconds.empty())
        REQUIRE(child.seconds[i] == row.seconds[at]);
    }
    const auto path = merged + (&half == &halves[0] ? "a" : "b");
    text.disk.put(path, draft->merged_bytes);
    auto child_paths = text.paths;
    child_paths.merged = path;
    REQUIRE(read_body(text.disk, child.manifest, child_paths, 1000).size() == draft->body_length);
    cut(text, child, path, found);
  }
}

}  // namespace

TEST_CASE("Each operation of a batch is found in the order of its body, with its bytes and its place") {
  Frozen frozen;
  auto operations = frozen.operations();
  REQUIRE(operations.size() == frozen.texts.size());
  std::string merged;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    CAPTURE(i);
    CHECK(operations.bytes(i).value() == frozen.texts[i]);
    CHECK(operations.is_merged(i) == (i >= operations.size() - frozen.row.manifest.literals.size()));
    if (operations.is_merged(i)) {
      const auto& literal = operations.literal(i);
      CHECK(literal.sources.size() == 2);
      CHECK(operations.bytes(literal.sources[0]).value().starts_with("{\"uid\""));
    } else {
      CHECK(operations.run(i).records == 1);
      const auto slot = operations.run(i).file / 2 - 1;
      CHECK(frozen.text.records[slot][operations.run(i).line - 1].record.offset == operations.run(i).offset);
    }
  }
}

TEST_CASE("Records longer than what is read at a time are found whole") {
  SpoolText text;
  std::vector<std::string> lines;
  for (const std::size_t length : {300'000U, 1U, 262'143U, 262'144U, 5U, 1'000'000U})
    lines.push_back(std::string(length, 'x'));
  text.add(1, lines);
  const auto draft = test::draft_of(text.records[0], {}, text.numbers);
  REQUIRE(draft.manifest.runs.size() == 1);
  auto operations = Operations::find(text.disk, draft.manifest, text.paths);
  REQUIRE(operations);
  for (std::size_t i = 0; i < lines.size(); ++i)
    CHECK(operations->bytes(i).value() == lines[i]);
}

TEST_CASE("Halves of halves give every operation once, in order, with its own keys and bytes") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    Frozen frozen(seed);
    std::vector<std::string> found;
    cut(frozen.text, frozen.row, SpoolText::kMerged, found);
    CHECK(found == frozen.texts);
  }
}

TEST_CASE("A part of any operations is a body of exactly these") {
  Frozen frozen;
  std::mt19937 random(3);
  auto operations = frozen.operations();
  for (int i = 0; i < 50; ++i) {
    std::vector<std::size_t> indexes;
    std::vector<std::string> expected;
    for (std::size_t index = 0; index < frozen.texts.size(); ++index) {
      if (random() % 3 == 0) {
        indexes.push_back(index);
        expected.push_back(frozen.texts[index]);
      }
    }
    const auto draft = draft_part(operations, frozen.row, indexes);
    REQUIRE(draft);
    frozen.text.disk.put("/working/part", draft->merged_bytes);
    auto paths = frozen.text.paths;
    paths.merged = "/working/part";
    REQUIRE(read_body(frozen.text.disk, draft->manifest, paths, 77) == framed(expected));
    REQUIRE(draft->body_length == framed(expected).size());
    std::uint64_t records = 0;
    for (const auto& share : draft->shares)
      records += share.records;
    REQUIRE(records == draft->manifest.records());
  }
}

TEST_CASE("Files that hold other lines than the manifest says are corrupt") {
  Frozen frozen;
  auto bytes = frozen.text.disk.content("/working/2");
  SUBCASE("shorter") {
    bytes.resize(bytes.size() / 2);
  }
  SUBCASE("newlines gone") {
    std::replace(bytes.begin(), bytes.end(), '\n', ' ');
  }
  SUBCASE("newlines more") {
    std::replace(bytes.begin(), bytes.end(), ':', '\n');
  }
  SUBCASE("empty") {
    bytes.clear();
  }
  frozen.text.disk.put("/working/2", bytes);
  const auto operations = Operations::find(frozen.text.disk, frozen.row.manifest, frozen.text.paths);
  REQUIRE_FALSE(operations);
  CHECK(operations.error().code == Errc::corrupt);
}

TEST_CASE("A file that is gone, cut or has other lines takes none of another one's records with it") {
  Frozen frozen;
  auto whole = frozen.operations();
  auto bytes = std::string(frozen.text.disk.content("/working/4"));
  std::size_t left = 0;  // of its bytes, from its start
  bool is_there = true;
  SUBCASE("gone") {
    is_there = false;
    REQUIRE(frozen.text.disk.remove("/working/4"));
  }
  SUBCASE("not in working/") {
    is_there = false;
    frozen.text.paths.files = BodyPaths{}.files;
    for (const FileNumber number : {2U, 6U})
      frozen.text.paths.files.put(number, "/working/" + std::to_string(number));
  }
  SUBCASE("cut") {
    left = bytes.size() / 2;
    bytes.resize(left);
  }
  SUBCASE("with other lines") {
    std::replace(bytes.begin(), bytes.end(), '\n', ' ');
  }
  if (is_there)
    frozen.text.disk.put("/working/4", bytes);
  auto operations = Operations::find_left(frozen.text.disk, frozen.row.manifest, frozen.text.paths);
  REQUIRE(operations);
  REQUIRE(operations->size() == whole.size());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(i);
    if (whole.is_merged(i)) {
      CHECK(operations->bytes(i).value() == frozen.texts[i]);
      continue;
    }
    const auto& run = operations->run(i);
    CHECK(run.file == whole.run(i).file);
    CHECK(run.line == whole.run(i).line);
    const bool is_kept = run.file != 4 || whole.run(i).offset + whole.run(i).length < left;
    if (is_kept)
      CHECK(operations->bytes(i).value() == frozen.texts[i]);
    else if (left > 0 || !is_there)
      CHECK(operations->bytes(i).has_error());
    kept += run.file == 4 && is_kept ? 1 : 0;
  }
  CHECK((kept > 2) == (left > 0));
}

TEST_CASE("A disk that gives no answer for now is no file that is gone") {
  Frozen frozen;
  frozen.text.disk.fail_open(1, Error{Errc::io, "Input/output error"});
  const auto operations = Operations::find_left(frozen.text.disk, frozen.row.manifest, frozen.text.paths);
  REQUIRE_FALSE(operations);
  CHECK(operations.error().code == Errc::io);
}
