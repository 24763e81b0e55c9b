#include "src/app/recheck.hpp"

#include "tests/unit/spool/stopping_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace usherd::test {
namespace {

SpoolFile accepted(TempSpool& spool, FileNumber number) {
  SpoolFile file;
  file.number = number;
  file.name = "a.ndjson";
  file.working = SpoolLayout::working_name(number, file.name);
  write_file(spool.layout.working_file(file), "{}\n");
  file.modified_ns = spool.files.stat(spool.layout.working_file(file)).value().modified_ns;
  return file;
}

TEST_CASE("A file is touched when it was written to or is gone, not when the disk does not tell") {
  TempSpool spool;
  StoppingFiles disk;
  std::vector<SpoolFile> files{accepted(spool, 1), accepted(spool, 2), accepted(spool, 3)};
  CHECK(touched_files(disk, spool.layout, files).value().empty());
  --files[0].modified_ns;
  std::filesystem::remove(spool.layout.working_file(files[2]));
  CHECK(touched_files(disk, spool.layout, files).value() == std::vector<FileNumber>{1, 3});
  for (const auto code : {Errc::io, Errc::denied}) {
    disk.before_stat = [code, second = spool.layout.working_file(files[1])](const std::string& path) {
      return path == second ? Result<void>(Error{code, path}) : Result<void>{};
    };
    const auto touched = touched_files(disk, spool.layout, files);
    REQUIRE_FALSE(touched.has_value());
    CHECK(touched.error().code == code);
  }
}

}  // namespace
}  // namespace usherd::test
