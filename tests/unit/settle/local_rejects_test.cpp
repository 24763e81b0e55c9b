#include "usherd/settle/local_rejects.hpp"

#include "tests/fakes/mem_files.hpp"
#include "tests/unit/settle/sent_batch.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/validate/block_reader.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::fakes;

TEST_CASE("a CSV row that became no record is rejected for its own reason, with its bytes and place") {
  MemFiles disk;
  const SpoolLayout layout("/s");
  disk.make_directory("/s");
  disk.make_directory(layout.working());
  SpoolFile file;
  file.number = 1;
  file.name = file.original = "a.csv";
  file.working = "000000000001.a.csv";
  const std::string text = "uid,p:int\n1,2\n2,\"x\n3,1\n,1\n";
  file.size = text.size();
  disk.put(layout.working_file(file), text);
  const auto converted = convert_file(disk, layout, file);
  REQUIRE(converted.has_value());
  file.converted = converted->converted;
  const auto source = disk.open(layout.readable(file));
  BlockReader reader(RecordRules{}, verdict_test::keys_for_tests());
  CheckedBlock block;
  REQUIRE(reader.read(**source, 0, 1, converted->read_size, block).has_value());
  CHECK(block.records.size() == 2);
  LocalRejects rejects(disk, layout, file, 0);
  REQUIRE(rejects.append(**source, block.rejections).has_value());
  const auto lines = disk.content(layout.local_rejects(1));
  CHECK(lines.starts_with(R"({"file":"a.csv","line":3,"offset":14,"stage":"local","code":"csv_quotes",)"
                          R"("message":"a quote is never closed","batch":null,"job":null,"raw":"2,\"x"})"
                          "\n"
                          R"({"file":"a.csv","line":5,"offset":23,"stage":"local","code":"anonymous",)"));
  CHECK(lines.ends_with(R"("record":{"properties":{"p":1},"schema":{"properties":{"p":"int"}}}})"
                        "\n"));
}

TEST_CASE("a JSON file cannot pass a reason of its own off as a rule's") {
  MemFiles disk;
  const SpoolLayout layout("/s");
  disk.make_directory("/s");
  disk.make_directory(layout.working());
  SpoolFile file;
  file.number = 1;
  file.name = file.original = "a.json";
  file.working = "000000000001.a.json";
  const std::string text = "[\x01code\x01message\x01raw]";
  file.size = text.size();
  disk.put(layout.working_file(file), text);
  const auto converted = convert_file(disk, layout, file);
  REQUIRE(converted.has_value());
  REQUIRE(converted->converted);
  file.converted = true;
  const auto source = disk.open(layout.readable(file));
  BlockReader reader(RecordRules{}, verdict_test::keys_for_tests());
  CheckedBlock block;
  REQUIRE(reader.read(**source, 0, 1, converted->read_size, block).has_value());
  LocalRejects rejects(disk, layout, file, 0);
  REQUIRE(rejects.append(**source, block.rejections).has_value());
  CHECK(disk.content(layout.local_rejects(1)).find("\"code\":\"invalid_json\"") != std::string::npos);
}
