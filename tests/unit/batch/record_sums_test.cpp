#include "usherd/batch/record_sums.hpp"

#include "tests/unit/batch/spool_text.hpp"
#include "usherd/batch/freezer.hpp"

namespace usherd::test {
namespace {

/// Two files and a merged record, frozen.
struct SummedBatch {
  SpoolText text;
  DraftBatch draft;
  BatchRow row;
  std::vector<RecordSum> sums;

  SummedBatch() {
    text.add(1, {R"({"uid":"a"})", R"({"uid":"bb","email":"b@c"})", R"({"uid":"c"})", R"({"uid":"d"})"});
    text.add(2, {R"({"uid":"x"})", R"({"uid":"y"})"}, "\r\n");
    auto records = text.records[0];
    records.insert(records.end(), text.records[1].begin(), text.records[1].begin() + 1);
    MergedRecord merged{2002, {text.records[1][1]}, R"({"uid":"y"})"};
    draft = draft_of(records, {merged}, text.numbers);
    row.digest = freeze_body(text.disk, draft, text.paths, "/working").value();
    sums = record_sums(draft.lengths, draft.sums);
    row.manifest = draft.manifest;
    row.users = draft.users;
  }

  [[nodiscard]] std::vector<bool> changed() {
    std::vector<std::uint32_t> lengths;
    for (const auto& sum : sums)
      lengths.push_back(sum.length);
    auto operations = Operations::known(text.disk, row.manifest, text.paths, lengths);
    return find_changed(operations, sums).value();
  }
  void change(FileNumber file, const std::string& from, const std::string& to) {
    auto bytes = text.disk.content(*text.paths.files.find(file));
    bytes.replace(bytes.find(from), from.size(), to);
    text.disk.put(*text.paths.files.find(file), bytes);
  }
};

using Flags = std::vector<bool>;

}  // namespace

TEST_CASE("a batch whose files stayed as they were has no changed operation") {
  SummedBatch batch;
  CHECK(batch.sums.size() == 6);
  CHECK(batch.changed() == Flags(6, false));
}

TEST_CASE("exactly the records whose bytes changed are found") {
  SUBCASE("a byte within a record") {
    SummedBatch batch;
    batch.change(1, "b@c", "b@d");
    CHECK(batch.changed() == Flags{false, true, false, false, false, false});
  }
  SUBCASE("a newline that is gone makes a record run into the next one") {
    SummedBatch batch;
    batch.change(1, "\n{\"uid\":\"c\"}", " {\"uid\":\"c\"}");
    CHECK(batch.changed() == Flags{false, true, false, false, false, false});
  }
  SUBCASE("a newline in the middle of a record") {
    SummedBatch batch;
    batch.change(1, R"({"uid":"c"})", "{\"uid\":\n\"\"}");
    CHECK(batch.changed() == Flags{false, false, true, false, false, false});
  }
  SUBCASE("a file that became shorter") {
    SummedBatch batch;
    batch.text.disk.put(*batch.text.paths.files.find(1), R"({"uid":"a"})"
                                                         "\n"
                                                         R"({"uid":"bb","em)");
    CHECK(batch.changed() == Flags{false, true, true, true, false, false});
  }
  SUBCASE("a file that is gone") {
    SummedBatch batch;
    REQUIRE(batch.text.disk.remove(*batch.text.paths.files.find(2)));
    CHECK(batch.changed() == Flags{false, false, false, false, true, false});
  }
  SUBCASE("merged records that are gone") {
    SummedBatch batch;
    REQUIRE(batch.text.disk.remove(SpoolText::kMerged));
    CHECK(batch.changed() == Flags{false, false, false, false, false, true});
  }
  SUBCASE("something appended changes no record") {
    SummedBatch batch;
    batch.change(1, R"({"uid":"d"})", R"({"uid":"d"}{"uid":"e"})");
    CHECK(batch.changed() == Flags(6, false));
  }
}

TEST_CASE("a part of changed operations covers what its parent covered of them") {
  SummedBatch batch;
  const std::vector<std::size_t> all{0, 1, 2, 3, 4, 5};
  SUBCASE("record by record where their places are known") {
    std::vector<std::uint32_t> lengths(batch.draft.lengths);
    const auto operations = Operations::known(batch.text.disk, batch.row.manifest, batch.text.paths, lengths);
    const auto part = draft_changed(operations, batch.row, all);
    CHECK(part.manifest.runs.size() == 5);
    CHECK(part.manifest.operations() == 6);
    CHECK(part.users == batch.row.users);
  }
  SUBCASE("as whole runs where nobody looked") {
    const std::vector<FileNumber> suspects{1, 2};
    const auto operations =
        Operations::find_except(batch.text.disk, batch.row.manifest, batch.text.paths, suspects).value();
    const auto part = draft_changed(operations, batch.row, all);
    CHECK(part.manifest == batch.row.manifest);
    CHECK(part.shares.size() == 2);
  }
}

}  // namespace usherd::test
