#include "usherd/settle/local_rejects.hpp"

#include "tests/fakes/mem_files.hpp"
#include "tests/unit/settle/sent_batch.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/validate/block_reader.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace usherd;
using namespace usherd::fakes;

namespace {

struct Checked {
  std::size_t records = 0;
  std::vector<Rejection> rejections;
  std::string rejects;  ///< the lines of the file's local rejects
};

/// A spool with one accepted file in it.
struct Spool {
  Spool(const std::string& name, const std::string& text) {
    disk.make_directory("/s");
    disk.make_directory(layout.working());
    file.number = 1;
    file.name = file.original = name;
    file.working = "000000000001." + name;
    file.size = text.size();
    disk.put(layout.working_file(file), text);
  }

  MemFiles disk;
  SpoolLayout layout{"/s"};
  SpoolFile file;
};

/// `lost` bytes more were there when it was accepted.
Checked check(const std::string& name, const std::string& text, std::uint64_t lost = 0) {
  Spool spool(name, text);
  auto& [disk, layout, file] = spool;
  file.size += lost;
  const auto converted = convert_file(disk, layout, file);
  REQUIRE(converted.has_value());
  REQUIRE(converted->converted);
  file.converted = true;
  const auto source = disk.open(layout.readable(file));
  BlockReader reader(RecordRules{}, verdict_test::keys_for_tests());
  CheckedBlock block;
  LocalRejects rejects(disk, layout, file, 0);
  Checked done;
  while (!block.end) {
    REQUIRE(
        reader.read(**source, block.next_offset, block.next_line, converted->read_size, block).has_value());
    REQUIRE(rejects.append(**source, block.rejections).has_value());
    done.records += block.records.size();
    done.rejections.insert(done.rejections.end(), block.rejections.begin(), block.rejections.end());
  }
  done.rejects = disk.content(layout.local_rejects(1));
  return done;
}

}  // namespace

TEST_CASE("a CSV row that became no record is rejected for its own reason, with its bytes and place") {
  const auto done = check("a.csv", "uid,p:int\n1,2\n2,\"x\n3,1\n,1\n");
  CHECK(done.records == 2);
  CHECK(done.rejects.starts_with(
      R"({"file":"a.csv","line":3,"offset":14,"stage":"local","code":"csv_quotes",)"
      R"("message":"a quote is never closed","batch":null,"job":null,"raw":"2,\"x"})"
      "\n"
      R"({"file":"a.csv","line":5,"offset":23,"stage":"local","code":"anonymous",)"));
  CHECK(done.rejects.ends_with(R"("record":{"properties":{"p":1},"schema":{"properties":{"p":"int"}}}})"
                               "\n"));
}

TEST_CASE("a rejection of a CSV row has the row's own code, and what the file lost is unknown") {
  const auto done = check("a.csv", "uid,p:int\n1,2\n2,1,1\n3,", 100);
  CHECK(done.records == 1);
  REQUIRE(done.rejections.size() == 2);
  CHECK(done.rejections[0].code == "csv_cell_count");
  CHECK_FALSE(done.rejections[0].lost);
  CHECK(done.rejections[1].code == "file_changed");
  CHECK(done.rejections[1].lost);
  CHECK(
      done.rejects.find(R"({"file":"a.csv","line":4,"offset":20,"stage":"unknown","code":"file_changed",)") !=
      std::string::npos);
}

TEST_CASE("a CSV row that became no record is none, also where it looks like JSON") {
  const auto done = check("a.csv", "uid,p:int\n123\n{}\n1,2\n");
  CHECK(done.records == 1);
  CHECK(done.rejects.find(R"("job":null,"raw":"123"})") != std::string::npos);
  CHECK(done.rejects.ends_with("\"job\":null,\"raw\":\"{}\"}\n"));
}

TEST_CASE("a CSV row that is not UTF-8 is rejected as it stands in the file") {
  const auto done = check("a.csv", "uid,email\n1,\"Jos\xE9\"\n2,x\n");
  CHECK(done.records == 1);
  CHECK(done.rejects ==
        R"({"file":"a.csv","line":2,"offset":10,"stage":"local","code":"invalid_utf8",)"
        R"("message":"the row is not UTF-8: write the file in UTF-8","batch":null,"job":null,)"
        "\"raw\":\"1,\\\"Jos\xEF\xBF\xBD\\\"\",\"raw_base64\":\"MSwiSm9z6SI=\"}\n");
}

TEST_CASE("a CSV row of up to 1 MiB is rejected with all of its bytes, a longer one with its first MiB") {
  const std::string lines(600'000, '\n');
  const std::string wide((std::size_t{1} << 20) - 5, 'w');
  const auto done =
      check("a.csv", "uid,p\n1,\"" + lines + "\",x\n2," + wide + ",x\n3," + wide + "www,x\n4,5\n");
  CHECK(done.records == 1);
  std::string expected;
  for (const auto& row : {"1,\"" + lines + "\",x", "2," + wide + ",x", "3," + wide + "www"}) {
    expected += "\"raw\":";
    append_json_string(expected, row);
    expected += "}\n";
  }
  std::string raws;
  for (auto at = done.rejects.find("\"raw\":"); at != std::string::npos;
       at = done.rejects.find("\"raw\":", at + 1))
    raws += done.rejects.substr(at, done.rejects.find('\n', at) + 1 - at);
  CHECK((raws == expected));
  CHECK(done.rejects.find("\"line\":600004,") < done.rejects.find("\"code\":\"record_too_large\""));
}

TEST_CASE("an element of a JSON document that is not UTF-8 is rejected with its own bytes") {
  const auto done = check("a.json", "[{\"uid\":\"1\"},\n {\"uid\":\"Jos\xE9\"}]");
  CHECK(done.records == 1);
  CHECK(done.rejects.starts_with(
      R"({"file":"a.json","line":2,"offset":15,"stage":"local","code":"invalid_utf8",)"));
  CHECK(done.rejects.ends_with(",\"raw_base64\":\"eyJ1aWQiOiJKb3PpIn0=\"}\n"));
}

TEST_CASE("a JSON file cannot pass a reason of its own off as a rule's") {
  const auto done = check("a.json",
                          "[\x01"
                          "code\x01message\x01raw]");
  CHECK(done.rejects.find("\"code\":\"invalid_json\"") != std::string::npos);
  CHECK(done.rejects.find(R"("raw":"\u0001code\u0001message\u0001raw")") != std::string::npos);
}

TEST_CASE("an element with raw newlines in its strings is rejected with its own bytes") {
  const auto done =
      check("a.json", "[{\"uid\":\"a\n\x0B\x1B b\"},\n{\"uid\":\"c\n\xE9\"},\n{\"uid\":\"d\"}]");
  CHECK(done.records == 1);
  CHECK(done.rejects.find(R"("line":1,"offset":1,"stage":"local","code":"invalid_json",)") !=
        std::string::npos);
  std::string raw;
  append_json_string(raw, "{\"uid\":\"a\n\x0B\x1B b\"}");
  CHECK(done.rejects.find("\"raw\":" + raw + "}") != std::string::npos);
  CHECK(done.rejects.find(R"("line":3,"offset":19,"stage":"local","code":"invalid_utf8",)") !=
        std::string::npos);
  CHECK(done.rejects.find(R"("raw_base64":"eyJ1aWQiOiJjCukifQ==")") != std::string::npos);
}

TEST_CASE("an element over 1 MiB is rejected with its length and its first MiB") {
  const auto element = "{\"uid\":\"" + std::string(std::size_t{2} << 20, 'x') + "\"}";
  const auto done = check("a.json", "[" + element + ",{\"uid\":\"d\"}]");
  CHECK(done.records == 1);
  CHECK(done.rejects.find("\"code\":\"record_too_large\",\"message\":\"the record has 2097162 bytes:") !=
        std::string::npos);
  std::string raw;
  append_json_string(raw, element.substr(0, std::size_t{1} << 20));
  CHECK(done.rejects.find("\"raw\":" + raw + "}") != std::string::npos);
}

TEST_CASE("lines that a full disk cut off are not there, also when there is nothing to reject any more") {
  for (const bool had_some : {false, true}) {
    Spool spool("a.ndjson", "{\nx\n");
    auto& [disk, layout, file] = spool;
    const auto source = disk.open(layout.readable(file));
    LocalRejects rejects(disk, layout, file, 0);
    std::vector<Rejection> none;
    std::vector<Rejection> first{{0, 1, 1, "json_syntax", "it never ends"}};
    std::vector<Rejection> second{{2, 2, 1, "json_syntax", "no JSON"}};
    if (had_some)
      REQUIRE(rejects.append(**source, first).has_value());
    const auto whole = had_some ? disk.content(layout.local_rejects(1)) : "";
    // Making the file is an effect, too.
    disk.fail_at(disk.effects() + (had_some ? 1 : 2), Error{Errc::no_space, "full"});
    REQUIRE_FALSE(rejects.append(**source, second).has_value());
    auto cut = disk.write(layout.local_rejects(1), WriteMode::extend, whole.size());
    REQUIRE((*cut)->append("{\"file\":\"a.nd").has_value());
    REQUIRE(rejects.append(**source, none).has_value());
    CHECK(rejects.sync().has_value());
    CHECK(disk.content(layout.local_rejects(1)) == whole);
    disk.drop_unsynced();
    CHECK(disk.content(layout.local_rejects(1)) == whole);
  }
}

TEST_CASE("a byte order mark in front of an element is its reject, also where the element is nothing else") {
  const auto alone = check("a.json", "[\xEF\xBB\xBF]");
  CHECK(alone.records == 0);
  CHECK(alone.rejects.find(R"("line":1,"offset":1,"stage":"local","code":"byte_order_mark",)") !=
        std::string::npos);
  const auto first = check("a.json",
                           "[\xEF\xBB\xBF"
                           "5,{\"uid\":\"b\"}]");
  CHECK(first.records == 1);
  CHECK(first.rejects.find(R"("code":"byte_order_mark",)") != std::string::npos);
  CHECK(first.rejects.find("\"raw\":\"\xEF\xBB\xBF"
                           "5\"}") != std::string::npos);
}

TEST_CASE("of many lines some are written before the last is known, and none stays where one cannot be") {
  constexpr std::size_t kLines = 4000;
  Spool spool("a.ndjson", std::string(kLines, 'x'));
  auto& [disk, layout, file] = spool;
  const auto source = disk.open(layout.readable(file));
  std::vector<Rejection> many;
  for (std::uint64_t i = 0; i < kLines; ++i)
    many.push_back({i, i + 1, 1, "json_syntax", "it is no JSON"});
  LocalRejects rejects(disk, layout, file, 0);
  // The file is made, a piece is written, the next one is not.
  const auto before = disk.effects();
  disk.fail_at(before + 3, Error{Errc::no_space, "full"});
  REQUIRE_FALSE(rejects.append(**source, many).has_value());
  CHECK(disk.effects() == before + 3);
  CHECK_FALSE(disk.content(layout.local_rejects(1)).empty());
  CHECK(rejects.length() == 0);
  REQUIRE(rejects.append(**source, many).has_value());
  const auto lines = disk.content(layout.local_rejects(1));
  CHECK(std::count(lines.begin(), lines.end(), '\n') == kLines);
  CHECK(rejects.length() == lines.size());
}
