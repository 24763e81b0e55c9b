#include "usherd/settle/batch_end.hpp"

#include "tests/fakes/mem_files.hpp"
#include "usherd/batch/manifest_builder.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

using namespace usherd;

namespace {

/// Counts the files that are open for writing.
class CountedWrites final : public Files {
 public:
  explicit CountedWrites(Files& disk) : disk_(disk) {}

  Result<std::unique_ptr<WriteFile>> write(const std::string& path, WriteMode mode,
                                           std::uint64_t keep) override {
    auto file = disk_.write(path, mode, keep);
    if (!file)
      return file;
    most_open = std::max(most_open, ++open_);
    return std::unique_ptr<WriteFile>(std::make_unique<Counted>(std::move(*file), open_));
  }
  Result<std::unique_ptr<ReadFile>> open(const std::string& path) override { return disk_.open(path); }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return disk_.rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return disk_.remove(path); }
  Result<void> list(const std::string& directory,
                    const std::function<bool(std::string_view)>& visit) override {
    return disk_.list(directory, visit);
  }
  Result<FileStat> stat(const std::string& path) override { return disk_.stat(path); }
  Result<void> sync(const std::string& path) override { return disk_.sync(path); }

  int most_open = 0;

 private:
  class Counted final : public WriteFile {
   public:
    Counted(std::unique_ptr<WriteFile> file, int& open) : file_(std::move(file)), open_(open) {}
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() override { --open_; }
    Result<void> append(std::string_view bytes) override { return file_->append(bytes); }
    Result<void> sync() override { return file_->sync(); }

   private:
    std::unique_ptr<WriteFile> file_;
    int& open_;
  };

  Files& disk_;
  int open_ = 0;
};

}  // namespace

TEST_CASE("A batch of records of many files writes their rejects with few of them open, whole and durable") {
  fakes::MemFiles disk;
  const SpoolLayout layout("/spool");
  disk.make_directory(layout.working());
  std::unordered_map<FileNumber, SpoolFile> files;
  BatchRow row;
  row.id = 7;
  BodyPaths paths;
  paths.merged = layout.merged(7);
  disk.put(paths.merged, "{}");
  // A line that goes as it is and two that were merged, one of them with another file's.
  Literal merged{0, 2, {}};
  for (FileNumber number = 1; number <= 200; ++number) {
    auto& file = files[number];
    file.number = number;
    file.name = file.original = fmt::format("{}.ndjson", number);
    file.working = SpoolLayout::working_name(number, file.name);
    disk.put(layout.working_file(file), R"({"uid":"a"})"
                                        "\n"
                                        R"({"uid":"b"})"
                                        "\n");
    paths.files.put(number, layout.working_file(file));
    row.manifest.runs.push_back({number, 0, 11, 1, 1});
    row.users.push_back(number);
    merged.sources.push_back({number, 12, 11, 2, 1});
  }
  row.manifest.literals.push_back(merged);
  row.users.push_back(1000);
  const auto verdict = BatchVerdict::all(row.manifest.operations(), OperationEnd::unknown, "no_verdict", "?");
  // What a try before wrote does not count.
  disk.put(layout.batch_rejects(3, 7), std::string(10'000, 'x'));
  CountedWrites counted(disk);
  const auto end = write_batch_end(counted, layout, row, shares_of(row.manifest), verdict, paths, files);
  REQUIRE(end.has_value());
  CHECK(counted.most_open <= 64);
  disk.drop_unsynced();
  for (const auto& share : end->shares) {
    CHECK(share.outcomes.unknown == 2);
    CHECK(share.has_rejects);
    const auto lines = disk.content(layout.batch_rejects(share.file, 7));
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
    CHECK(lines.find(R"("line":1,)") < lines.find(R"("line":2,)"));
    CHECK(lines.find(R"("record":{"uid":"b"}})") != std::string::npos);
  }
}

TEST_CASE("Records are counted by reason as their files count them, those of a merged record each") {
  fakes::MemFiles disk;
  const SpoolLayout layout("/spool");
  disk.make_directory(layout.working());
  SpoolFile file;
  file.number = 1;
  file.name = file.original = "a.ndjson";
  file.working = SpoolLayout::working_name(1, file.name);
  BatchRow row;
  row.id = 7;
  BodyPaths paths;
  paths.merged = layout.merged(7);
  paths.files.put(1, layout.working_file(file));
  disk.put(paths.merged, "{}{}");
  std::string text;
  for (int i = 0; i < 6; ++i)
    text += "{\"uid\":\"a\"}\n";
  disk.put(layout.working_file(file), text);
  // A line as it is, one merged of three and one of two.
  row.manifest.runs.push_back({1, 0, 11, 1, 1});
  row.manifest.literals = {{0, 2, {{1, 12, 11, 2, 1}, {1, 24, 11, 3, 1}, {1, 36, 11, 4, 1}}},
                           {2, 2, {{1, 48, 11, 5, 1}, {1, 60, 11, 6, 1}}}};
  row.users = {1, 2, 3};
  BatchVerdict verdict;
  verdict.reasons = {{"a_code", ""}, {"no_verdict", ""}};
  SUBCASE("whose end is unknown: its sources") {
    verdict.entries = {
        {0, OperationEnd::rejected, 0}, {1, OperationEnd::unknown, 1}, {2, OperationEnd::unknown, 1}};
    const auto end = write_batch_end(disk, layout, row, shares_of(row.manifest), verdict, paths, {{1, file}});
    REQUIRE(end.has_value());
    REQUIRE(end->reasons.size() == 2);
    CHECK(end->reasons[0].rejected == 1);
    CHECK(end->reasons[1].unknown == 5);
    CHECK(end->shares.at(0).outcomes.unknown == 5);
  }
  SUBCASE("that is refused: its sources will have verdicts of their own") {
    verdict.entries = {{1, OperationEnd::rejected, 0}, {2, OperationEnd::unknown, 1}};
    const auto end = write_batch_end(disk, layout, row, shares_of(row.manifest), verdict, paths, {{1, file}});
    REQUIRE(end.has_value());
    REQUIRE(end->reasons.size() == 2);
    CHECK(end->reasons[0].rejected == 0);
    CHECK(end->reasons[1].unknown == 2);
    CHECK(end->singles().size() == 3);
  }
}
