#include "usherd/spool/incoming_scan.hpp"

#include "tests/unit/spool/temp_spool.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace usherd;
using namespace usherd::test;

TEST_CASE(
    "a large folder is looked at page by page, longest dropped first, and none is missed or seen twice") {
  TempDirectory directory;
  PosixFiles files;
  for (int file = 0; file < 25; ++file)
    write_file(fmt::format("{}/{:02}.ndjson", directory.path(), (file * 7) % 25), "");
  write_file(directory.path() + "/.hidden", "");
  ScanOptions options;
  options.most = 10;
  std::vector<SeenFile> all;
  std::vector<std::size_t> sizes;
  while (true) {
    const auto page = scan_incoming(files, directory.path(), options).value();
    sizes.push_back(page.files.size());
    all.insert(all.end(), page.files.begin(), page.files.end());
    if (!page.cut)
      break;
    options.after = page.files.back();
  }
  CHECK(sizes == std::vector<std::size_t>{10, 10, 5});
  CHECK(all.size() == 25);
  CHECK(std::is_sorted(all.begin(), all.end(), dropped_before));
  std::set<std::string> names;
  for (const auto& file : all)
    names.insert(file.name);
  CHECK(names.size() == 25);
}

TEST_CASE("odd things are counted, and only so many of them named") {
  TempDirectory directory;
  PosixFiles files;
  for (int folder = 0; folder < 120; ++folder)
    std::filesystem::create_directory(fmt::format("{}/{}", directory.path(), folder));
  const auto page = scan_incoming(files, directory.path(), ScanOptions()).value();
  CHECK(page.odd_count == 120);
  CHECK(page.odd.size() == ScanOptions::kMostOdd);
  CHECK(page.files.empty());
}

TEST_CASE("a folder that cannot be listed is an error, not an empty one") {
  PosixFiles files;
  CHECK_FALSE(scan_incoming(files, "/does/not/exist", ScanOptions()).has_value());
}
