#include "usherd/spool/file_name.hpp"

#include "usherd/core/text.hpp"

#include <doctest/doctest.h>

using namespace usherd;

TEST_CASE("a producer's unfinished file is invisible") {
  for (const auto* name :
       {".a.ndjson", ".", "..", "a.ndjson.tmp", "a.part", "a.ndjson.filepart", "a.TMP", ""})
    CHECK_FALSE(is_visible_name(name));
  for (const auto* name : {"a.ndjson", "a.txt", "tmp", "a.tmp.ndjson", "part", "a.ndjson~", "a"})
    CHECK(is_visible_name(name));
}

TEST_CASE("the ending tells format and compression") {
  struct Row {
    const char* name;
    std::optional<FileFormat> format;
    const char* ending;
  };
  const Row table[] = {
      {"a.ndjson", FileFormat{Format::ndjson, Compression::none}, ".ndjson"},
      {"a.jsonl", FileFormat{Format::ndjson, Compression::none}, ".jsonl"},
      {"a.json", FileFormat{Format::json, Compression::none}, ".json"},
      {"a.b.csv", FileFormat{Format::csv, Compression::none}, ".csv"},
      {"a.ndjson.gz", FileFormat{Format::ndjson, Compression::gzip}, ".ndjson.gz"},
      {"a.json.zst", FileFormat{Format::json, Compression::zstd}, ".json.zst"},
      {"A.CSV.GZ", FileFormat{Format::csv, Compression::gzip}, ".CSV.GZ"},
      {"a.gz", std::nullopt, ""},
      {"a.txt", std::nullopt, ""},
      {"json", std::nullopt, ""},
      {"a.json.bak", std::nullopt, ""},
      {"a.json.gz.gz", std::nullopt, ""},
      {"", std::nullopt, ""},
  };
  for (const auto& row : table) {
    CAPTURE(row.name);
    CHECK(format_of(row.name) == row.format);
    CHECK(known_ending(row.name) == row.ending);
  }
}

TEST_CASE("a name is kept when nothing can go wrong with it, and made up otherwise") {
  struct Row {
    std::string name;
    bool acceptable;
    const char* entry;
  };
  const Row table[] = {
      {"a.ndjson", true, "a.ndjson"},
      {"käse ~ und brot.json", true, "käse ~ und brot.json"},
      {std::string(193, 'x') + ".ndjson", true, nullptr},
      {std::string(194, 'x') + ".ndjson", false, "unnamed-7.ndjson"},
      {"a.txt", false, "unnamed-7.data"},
      {"a\nb.JSON", false, "unnamed-7.json"},
      {"a\x7f.csv", false, "unnamed-7.csv"},
      {"a\xc2\x9b.csv.gz", false, "unnamed-7.csv.gz"},
      {"a\xff.ndjson", false, "unnamed-7.ndjson"},
      {"a.ndjson.receipt.json", false, "unnamed-7.json"},
      {"a.error.json", false, "unnamed-7.json"},
      {"a.rejects.ndjson", false, "unnamed-7.ndjson"},
      {"a.Rejects.NDJSON", false, "unnamed-7.ndjson"},
      {"a.csv~tail", false, nullptr},
      {"a~2.csv.gz~tail", false, nullptr},
      {"a.ndjson~tail", false, "unnamed-7.data"},
      {"a\n.csv~tail", false, "unnamed-7.data"},
      {std::string(192, 'x') + ".csv~tail", false, "unnamed-7.data"},
  };
  for (const auto& row : table) {
    CAPTURE(row.name);
    CHECK(is_acceptable_name(row.name) == row.acceptable);
    CHECK(entry_name(row.name, 7) == (row.entry == nullptr ? row.name : row.entry));
  }
}

TEST_CASE("a number goes before the whole ending") {
  CHECK(numbered_name("a.ndjson", 2) == "a~2.ndjson");
  CHECK(numbered_name("a.b.csv.gz", 31) == "a.b~31.csv.gz");
  CHECK(numbered_name("unnamed-7.data", 2) == "unnamed-7~2.data");
  CHECK(numbered_name("a.csv.gz~tail", 2) == "a~2.csv.gz~tail");
  CHECK(numbered_name("a", 2) == "a~2");
}

TEST_CASE("a numbered name stays within its length and valid UTF-8") {
  std::string name;
  while (name.size() + 2 + 7 <= kMostNameBytes)
    name += "ä";
  name += ".ndjson";
  const auto numbered = numbered_name(name, 1000);
  CHECK(numbered.size() <= kMostNameBytes);
  CHECK(is_utf8(numbered));
  CHECK(is_acceptable_name(numbered));
  CHECK(numbered.ends_with("~1000.ndjson"));
}
