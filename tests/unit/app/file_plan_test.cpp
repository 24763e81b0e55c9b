#include "src/app/file_plan.hpp"

#include "tests/fakes/mem_files.hpp"
#include "tests/unit/spool/packed.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using usherd::CheckedFile;
using usherd::Config;
using usherd::FilePlan;

namespace {

CheckedFile checked(std::uint64_t records, std::uint64_t bytes, std::uint64_t rejected = 0) {
  CheckedFile file;
  file.records = records;
  file.rejected = rejected;
  file.good_bytes = bytes;
  return file;
}

std::vector<std::string> faults_of(usherd::Files& files, const std::string& name) {
  std::vector<std::string> faults;
  const auto note = [&](const usherd::Rejection& rejection, std::uint64_t) {
    faults.push_back(std::to_string(rejection.line) + " at " + std::to_string(rejection.offset) + ": " +
                     rejection.code + ": " + rejection.message);
  };
  const auto checked = usherd::check_records(files, Config(), name, *usherd::format_of(name), note);
  REQUIRE(checked.has_value());
  faults.push_back(std::to_string(checked->records) + " records");
  return faults;
}

}  // namespace

TEST_CASE("many small files share their batches") {
  const Config config;
  FilePlan plan(config);
  for (int i = 0; i < 50; ++i)
    plan.add(checked(1, 200));
  CHECK(plan.text().starts_with("plan: 50 records in about 1 batch of at most 5000 records"));
  CHECK(
      plan.text().ends_with("\nit is closed by batch.linger, or by the end of the files; no limit binds\n"));
}

TEST_CASE("the plan counts batches by records or by bytes, whichever closes them first") {
  Config config;
  config.batch.max_records = 100;
  config.batch.max_bytes = 1 << 20;
  FilePlan by_records(config);
  by_records.add(checked(260, 20'000, 10));
  by_records.add(checked(51, 20'000));
  CHECK(by_records.text().find("301 records in about 4 batches") != std::string::npos);
  CHECK(by_records.text().find("closed by batch.max_records") != std::string::npos);
  FilePlan by_bytes(config);
  by_bytes.add(checked(260, 9 << 20));
  CHECK(by_bytes.text().find("260 records in about 10 batches") != std::string::npos);
  CHECK(by_bytes.text().find("closed by batch.max_bytes") != std::string::npos);
}

TEST_CASE("the plan names the limit that binds, and one batch at once is no batches") {
  Config config;
  config.batch.max_records = 100;
  config.limits.in_progress_batches = 1;
  FilePlan plan(config);
  plan.add(checked(250, 20'000));
  CHECK(
      plan.text().ends_with("a batch is closed by batch.max_records; limits.in_progress_batches binds: "
                            "1 batch in progress at once, 3 rounds of job time\n"));
}

TEST_CASE("a plan of nothing has no batches") {
  const Config config;
  FilePlan plan(config);
  plan.add(checked(3, 0, 3));
  CHECK(plan.text().starts_with("plan: 0 records in about 0 batches"));
}

TEST_CASE("a packed file is told the faults of the same file as it is") {
  const std::string lines = "{\"uid\":\"a\"}\n\n{\"uid\":\"" + std::string(2 << 20, 'x') + "\"}\n" +
                            std::string(2 << 20, ' ') + "\nbad\n";
  usherd::fakes::MemFiles files;
  files.put("/f.ndjson", lines);
  files.put("/f.ndjson.gz", usherd::test::gzip(lines));
  const auto plain = faults_of(files, "/f.ndjson");
  CHECK(plain == faults_of(files, "/f.ndjson.gz"));
  CHECK(plain.at(0).find("has 2097162 bytes") != std::string::npos);
  CHECK(plain.size() == 4);
}
