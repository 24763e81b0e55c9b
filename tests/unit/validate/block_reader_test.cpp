#include "usherd/validate/block_reader.hpp"

#include "tests/unit/validate/text_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace usherd;

namespace {

CheckedBlock read_text(const std::string& text, std::size_t block_bytes = BlockReader::kBlockBytes) {
  TextFile file(text);
  BlockReader reader({}, test_keys(), block_bytes);
  return read_all(reader, file, text.size());
}

std::string record_of(std::size_t bytes) {
  const std::string head = R"({"uid":"u"})";
  return head + std::string(bytes - head.size(), ' ');
}

}  // namespace

TEST_CASE("records of a file form one run of bytes apart by newlines") {
  const auto block = read_text("{\"uid\":\"a\"}\n{\"uid\":\"b\"} \r\n\t{\"uid\":\"c\"}\n");
  REQUIRE(block.records.size() == 3);
  CHECK(block.records.all()[0].offset == 0);
  CHECK(block.records.all()[0].length == 11);
  CHECK(block.records.all()[1].offset == 12);
  CHECK(block.records.all()[1].length == 13);
  CHECK(block.records.all()[1].line == 2);
  CHECK(block.records.all()[2].offset == 26);
  CHECK(block.records.all()[2].length == 12);
  CHECK(block.records.all()[2].line == 3);
  CHECK(block.lines == 3);
  CHECK(block.next_line == 4);
  CHECK(block.next_offset == 39);
}

TEST_CASE("blank lines are skipped and still counted as lines") {
  const auto block = read_text("\n  \n{\"uid\":\"a\"}\n\r\n\t\n{\"uid\":\"\"}");
  REQUIRE(block.records.size() == 1);
  CHECK(block.records.all()[0].line == 3);
  REQUIRE(block.rejections.size() == 1);
  CHECK(block.rejections[0].line == 6);
  CHECK(block.rejections[0].code == "empty_uid");
  CHECK(block.lines == 2);
}

TEST_CASE("a last line without a newline counts") {
  const auto block = read_text("{\"uid\":\"a\"}\n{\"uid\":\"b\"}");
  REQUIRE(block.records.size() == 2);
  CHECK(block.records.all()[1].length == 11);
  CHECK(block.end);
}

TEST_CASE("an empty file has nothing in it") {
  for (const char* text : {"", "\n", "\xEF\xBB\xBF", "\xEF\xBB\xBF\n\n", " "}) {
    const auto block = read_text(text);
    CHECK(block.lines == 0);
    CHECK(block.records.empty());
    CHECK(block.rejections.empty());
    CHECK(block.end);
  }
}

TEST_CASE("a byte order mark is skipped where the file starts and nowhere else") {
  for (const std::size_t block_bytes : {std::size_t{15}, BlockReader::kBlockBytes}) {  // 15: the first line
    const auto block = read_text("\xEF\xBB\xBF{\"uid\":\"a\"}\n\xEF\xBB\xBF{\"uid\":\"b\"}\n", block_bytes);
    REQUIRE(block.records.size() == 1);
    CHECK(block.records.all()[0].offset == 3);
    REQUIRE(block.rejections.size() == 1);
    CHECK(block.rejections[0].code == "byte_order_mark");
  }
}

TEST_CASE("nothing at or past the limit is looked at") {
  const std::string text = "{\"uid\":\"a\"}\n{\"uid\":\"b\"}\n";
  TextFile file(text);
  BlockReader reader({}, test_keys());
  CHECK(read_all(reader, file, 12).records.size() == 1);
  CHECK(read_all(reader, file, 11).records.size() == 1);
  const auto cut = read_all(reader, file, 20);
  CHECK(cut.records.size() == 1);
  REQUIRE(cut.rejections.size() == 1);
  CHECK(cut.rejections[0].length == 8);
}

TEST_CASE("a file that became shorter than its limit is an error") {
  TextFile file("{\"uid\":\"a\"}\n");
  BlockReader reader({}, test_keys());
  CheckedBlock block;
  const auto read = reader.read(file, 0, 1, 100, block);
  REQUIRE(!read);
  CHECK(read.error().code == Errc::corrupt);
}

TEST_CASE("a line of one mebibyte is a record, one byte more is too large") {
  for (const std::size_t block_bytes : {std::size_t{100}, BlockReader::kBlockBytes, std::size_t{3} << 20}) {
    for (const bool marked : {false, true}) {
      const std::string mark = marked ? "\xEF\xBB\xBF" : "";
      const auto text = mark + record_of(kMostRecordBytes) + "\n" + record_of(kMostRecordBytes + 1) + "\n" +
                        record_of(50) + "\n" + record_of(kMostRecordBytes + 1);
      const auto block = read_text(text, block_bytes);
      REQUIRE(block.records.size() == 2);
      CHECK(block.records.all()[0].length == kMostRecordBytes);
      CHECK(block.records.all()[0].offset == mark.size());
      CHECK(block.records.all()[1].line == 3);
      REQUIRE(block.rejections.size() == 2);
      CHECK(block.rejections[0].code == "record_too_large");
      CHECK(block.rejections[0].length == kMostRecordBytes + 1);
      CHECK(block.rejections[1].line == 4);
      CHECK(block.lines == 4);
    }
  }
}

TEST_CASE("an over-long first line behind a byte order mark is told like any other") {
  for (const std::size_t block_bytes : {std::size_t{100}, std::size_t{8} << 20}) {
    const auto block = read_text("\xEF\xBB\xBF" + record_of(3 << 20) + "\n" + record_of(20), block_bytes);
    REQUIRE(block.rejections.size() == 1);
    CHECK(block.rejections[0].offset == 3);
    CHECK(block.rejections[0].length == 3 << 20);
    REQUIRE(block.records.size() == 1);
    CHECK(block.records.all()[0].line == 2);
  }
}

TEST_CASE("an over-long line is skipped without being held") {
  const std::string huge(20 << 20, 'x');
  TextFile file(huge + "\n{\"uid\":\"a\"}\n");
  BlockReader reader({}, test_keys());
  const auto block = read_all(reader, file, file.text().size());
  REQUIRE(block.rejections.size() == 1);
  CHECK(block.rejections[0].length == huge.size());
  REQUIRE(block.records.size() == 1);
  CHECK(block.records.all()[0].offset == huge.size() + 1);
  CHECK(file.largest_read() <= kMostRecordBytes + 16);
}

TEST_CASE("the size of the blocks changes nothing") {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += fmt::format("{{\"uid\":\"u{}\",\"properties\":{{\"a\":{}}}}}\n", i, i);
    if (i % 7 == 0)
      text += "\r\n{bad}\n   \n";
    if (i % 11 == 0)
      text += "{\"uid\":\"" + std::string(400, 'x') + "\"}\n";
  }
  const auto whole = read_text(text);
  CHECK(whole.records.size() == 200);
  for (const std::size_t block_bytes : {1, 2, 31, 64, 100, 1000, 4096}) {
    const auto cut = read_text(text, block_bytes);
    REQUIRE(cut.records.size() == whole.records.size());
    const auto records = cut.records.all();
    const auto whole_records = whole.records.all();
    for (std::size_t i = 0; i < records.size(); ++i) {
      CHECK(records[i].offset == whole_records[i].offset);
      CHECK(records[i].line == whole_records[i].line);
      CHECK(records[i].user == whole_records[i].user);
    }
    REQUIRE(cut.rejections.size() == whole.rejections.size());
    CHECK(cut.rejections.back().offset == whole.rejections.back().offset);
    CHECK(cut.lines == whole.lines);
    CHECK(cut.next_line == whole.next_line);
  }
}

TEST_CASE("blocks read on from one another are those of the whole file, and an error leaves what was read") {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += i % 9 == 0 ? "\n{bad}\n" : fmt::format("{{\"uid\":\"u{}\"}}\n", i);
  const auto whole = read_text(text);
  TextFile file(text);
  BlockReader reader({}, test_keys(), 64);
  CheckedBlock block;
  REQUIRE(reader.read(file, 0, 1, text.size() + 1, block).has_value());
  bool read = true;
  while (read)
    read = reader.read_on(file, text.size() + 1, block).has_value();
  CHECK_FALSE(block.end);
  CHECK(block.next_offset < text.size());
  REQUIRE(reader.read_on(file, text.size(), block).has_value());
  CHECK(block.end);
  REQUIRE(block.records.size() == whole.records.size());
  CHECK(block.records.all().back().offset == whole.records.all().back().offset);
  CHECK(block.records.all().back().line == whole.records.all().back().line);
  CHECK(block.rejections.size() == whole.rejections.size());
  CHECK(block.lines == whole.lines);
  CHECK(block.next_line == whole.next_line);
  CHECK(block.next_offset == whole.next_offset);
}

TEST_CASE("a record carries the keys of its uid and its id") {
  const auto keys = test_keys();
  const auto block = read_text(
      "{\"uid\":\"anna\"}\n{\"id\":\"anna\"}\n{\"uid\":\"anna\",\"id\":\"77\"}\n{\"uid\":\"\\u0061nna\"}\n");
  REQUIRE(block.records.size() == 4);
  CHECK(block.records.all()[0].user == keys.uid("anna"));
  CHECK(block.records.all()[0].second == 0);
  CHECK(block.records.all()[1].user == keys.id("anna"));
  CHECK(block.records.all()[1].second == 0);
  CHECK(block.records.all()[2].user == keys.uid("anna"));
  CHECK(block.records.all()[2].second == keys.id("77"));
  CHECK(block.records.all()[3].user == keys.uid("anna"));
}

namespace {

/// Of the records in `block`, each as it stands in memory with what is behind it; "" where it did not stay.
std::vector<std::string> kept_records(const CheckedBlock& block) {
  std::vector<std::string> out;
  for (const auto& record : block.records.all()) {
    auto& bytes = out.emplace_back();
    for (const auto& each : block.blocks) {
      if (each.offset <= record.offset && record.offset < each.end && each.bytes != nullptr)
        bytes.assign(each.bytes.get() + (record.offset - each.offset), record.length + 1);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("Blocks of a pool stay as they were read, with a comma behind each good record") {
  const std::string text =
      "\xEF\xBB\xBF{\"uid\":\"a\"}\n\n{\"uid\":\"b\",\"n\":1}\n{\"uid\":\"c\"} "
      "\r\nnone\n{\"uid\":\"d\"}\n{\"uid\":\"e\"}";
  for (std::size_t block_bytes = 1; block_bytes < text.size() + 5; ++block_bytes) {
    CAPTURE(block_bytes);
    TextFile file(text);
    BlockPool pool(100, block_bytes + 64);
    BlockReader reader({}, test_keys(), block_bytes, &pool);
    CheckedBlock block;
    CHECK(reader.read(file, 0, 1, text.size(), block).has_value());
    while (!block.end)
      REQUIRE(reader.read_on(file, text.size(), block).has_value());
    const auto plain = read_text(text, block_bytes);
    REQUIRE(block.records.size() == plain.records.size());
    const auto kept = kept_records(block);
    std::size_t stayed = 0;
    const auto records = block.records.all();
    const auto plain_records = plain.records.all();
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto& record = records[i];
      CHECK(record.sum == plain_records[i].sum);
      CHECK(record.offset == plain_records[i].offset);
      if (kept[i].empty())
        continue;
      ++stayed;
      CHECK(kept[i] == text.substr(record.offset, record.length) + ",");
    }
    // A block that had to be made larger for a line does not stay.
    CHECK((stayed == kept.size() || block_bytes < 30));
    CHECK((stayed > 0 || block_bytes < 15));
  }
}

TEST_CASE("A pool that is empty changes nothing but that no bytes stay") {
  const std::string text = "{\"uid\":\"a\"}\n{\"uid\":\"b\"}\n{\"uid\":\"c\"}\n";
  TextFile file(text);
  BlockPool pool(1, 14 + 64);
  BlockReader reader({}, test_keys(), 14, &pool);
  CheckedBlock block;
  REQUIRE(reader.read(file, 0, 1, text.size(), block).has_value());
  while (!block.end)
    REQUIRE(reader.read_on(file, text.size(), block).has_value());
  CHECK(kept_records(block) == std::vector<std::string>{"{\"uid\":\"a\"},", "", ""});
  // What is read anew gives back what was held.
  REQUIRE(reader.read(file, 0, 1, text.size(), block).has_value());
  CHECK(kept_records(block) == std::vector<std::string>{"{\"uid\":\"a\"},"});
}

TEST_CASE(
    "A block is full of rejections before a file of rubbish fills the memory, and the next goes on there") {
  constexpr auto kMost = CheckedBlock::kMostRejections;
  std::string text;
  for (std::size_t i = 0; i < 3 * kMost; ++i)
    text += i % 1000 == 0 ? "{\"uid\":\"a\"}\n" : "x\n";
  TextFile file(text);
  BlockReader reader({}, test_keys());
  CheckedBlock block;
  REQUIRE(reader.read(file, 0, 1, text.size(), block).has_value());
  CHECK(block.is_full());
  CHECK(block.rejections.size() == kMost);
  CHECK(block.lines == block.rejections.size() + block.records.size());
  CHECK(block.next_line == block.lines + 1);
  CHECK(block.next_offset == block.rejections.back().offset + 2);
  CHECK_FALSE(block.end);
  const auto before = block.next_offset;
  REQUIRE(reader.read_on(file, text.size(), block).has_value());
  CHECK(block.next_offset == before);
  CHECK_FALSE(block.end);

  const auto all = read_all(reader, file, text.size());
  CHECK(all.lines == 3 * kMost);
  CHECK(all.next_line == 3 * kMost + 1);
  CHECK(all.records.size() == 3 * kMost / 1000 + 1);
  CHECK(all.rejections.size() + all.records.size() == all.lines);
}
