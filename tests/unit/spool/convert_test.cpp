#include "usherd/spool/convert.hpp"

#include "tests/fakes/mem_files.hpp"
#include "tests/unit/spool/conversions.hpp"
#include "usherd/spool/bad_row.hpp"
#include "usherd/spool/origin.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace usherd;
using namespace usherd::test;

namespace {

std::string many_records(int count) {
  std::string text = "[\n";
  for (int record = 0; record < count; ++record)
    text += fmt::format("  {{\"uid\":\"{}\"}}{}\n", record, record + 1 < count ? "," : "");
  return text + "]\n";
}

}  // namespace

TEST_CASE("NDJSON is read as it is, as far as it was accepted") {
  Conversions conversions;
  auto file = conversions.accepted("a.ndjson", "{}\n{}\n");
  file.size = 3;
  const auto done = convert_file(conversions.disk, conversions.layout, file);
  REQUIRE(done.has_value());
  CHECK_FALSE(done->converted);
  CHECK(done->read_size == 3);
  CHECK(names_in(conversions.layout.working()).size() == 1);
}

TEST_CASE("a JSON document becomes a line a record, each with its place in the original") {
  Conversions conversions;
  const std::string text = "[\n  {\"uid\": \"1\"},\n\n  {\"uid\":\n\"2\"} ]";
  auto file = conversions.accepted("a.json", text);
  const auto done = convert_file(conversions.disk, conversions.layout, file);
  REQUIRE(done.has_value());
  CHECK(done->converted);
  const auto lines = read_file(conversions.layout.records(7));
  CHECK(done->read_size == lines.size());
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
  file.converted = true;
  const auto first = origin_of(conversions.disk, conversions.layout, file, 1, 0);
  const auto second = origin_of(conversions.disk, conversions.layout, file, 2, lines.find('\n') + 1);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(first->line == 2);
  CHECK(first->offset == text.find("{\"uid\": \"1\""));
  CHECK(first->length == std::string_view("{\"uid\": \"1\"}").size());
  CHECK(second->line == 4);
  CHECK(second->offset == text.rfind("{\"uid\""));
  // What the file of origins does not know stands at its own place: a reject is never lost over it.
  const auto beyond = origin_of(conversions.disk, conversions.layout, file, 3, 7);
  REQUIRE(beyond.has_value());
  CHECK(beyond->line == 3);
  CHECK(beyond->offset == 7);
}

TEST_CASE("the disk begins to write what is converted while the rest is made") {
  const SpoolLayout layout("/spool");
  for (const int megabytes : {0, 4}) {
    CAPTURE(megabytes);
    fakes::MemFiles disk;
    disk.make_directory(layout.working());
    std::string text = "uid\n";
    while (text.size() < static_cast<std::size_t>(megabytes) << 20)
      text += std::string(1000, 'u') + "\n";
    SpoolFile file;
    file.number = 7;
    file.name = file.original = "a.csv";
    file.working = SpoolLayout::working_name(7, file.name);
    file.size = text.size();
    disk.put(layout.working_file(file), text);
    REQUIRE(convert_file(disk, layout, file).has_value());
    CHECK(disk.begun_syncs() == static_cast<std::uint64_t>(megabytes));
  }
}

TEST_CASE("a record that was not converted is its own origin") {
  Conversions conversions;
  const auto file = conversions.accepted("a.ndjson", "{}\n");
  const auto origin = origin_of(conversions.disk, conversions.layout, file, 5, 99);
  REQUIRE(origin.has_value());
  CHECK(origin->line == 5);
  CHECK(origin->offset == 99);
}

TEST_CASE("an origin is written and read alike") {
  Origin origin;
  origin.offset = 0x0102030405060708;
  origin.line = 0xffffffffffffffff;
  origin.length = 1;
  std::string bytes;
  append_origin(bytes, origin);
  CHECK(bytes.size() == kOriginBytes);
  CHECK(bytes.front() == 8);
  const auto again = decode_origin(bytes);
  CHECK(again.offset == origin.offset);
  CHECK(again.line == origin.line);
  CHECK(again.length == origin.length);
}

TEST_CASE("a document of many pieces is converted whole") {
  Conversions conversions;
  const auto text = many_records(60'000);
  REQUIRE(text.size() > (std::size_t{256} << 10) * 3);
  auto file = conversions.accepted("a.json", text);
  REQUIRE(convert_file(conversions.disk, conversions.layout, file).has_value());
  const auto lines = read_file(conversions.layout.records(7));
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 60'000);
  CHECK(lines.ends_with("{\"uid\":\"59999\"}\n"));
  file.converted = true;
  const auto last = origin_of(conversions.disk, conversions.layout, file, 60'000, 0);
  REQUIRE(last.has_value());
  CHECK(text.substr(last->offset, last->length) == "{\"uid\":\"59999\"}");
}

TEST_CASE("a damaged document is refused, also where only its end is missing") {
  for (const auto* text : {"[{\"uid\":\"1\"}", "[{\"uid\":\"1\"} {}]", "[]x", "", "{\"requests\":["}) {
    CAPTURE(text);
    Conversions conversions;
    const auto file = conversions.accepted("a.json", text);
    const auto done = convert_file(conversions.disk, conversions.layout, file);
    REQUIRE(done.has_value());
    REQUIRE(done->refusal.has_value());
    CHECK(done->refusal->code == "damaged_document");
  }
}

TEST_CASE("what was appended or cut off after acceptance does not count") {
  Conversions conversions;
  const std::string text = "[{\"uid\":\"1\"}]";
  auto file = conversions.accepted("a.json", text + "garbage");
  file.size = text.size();
  CHECK_FALSE(convert_file(conversions.disk, conversions.layout, file).value().refusal.has_value());
  file.size = text.size() + 100;
  write_file(conversions.layout.working_file(file), text.substr(0, 5));
  const auto cut = convert_file(conversions.disk, conversions.layout, file);
  REQUIRE(cut.has_value());
  CHECK(cut->refusal.has_value());
}

TEST_CASE("of a CSV file that became shorter no half row is taken, and what is missing is one reject") {
  const std::string text = "uid,plan\n1,team\n2,free\n3,enterprise\n";
  struct Row {
    std::size_t left;  ///< bytes
    std::size_t from;  ///< where the reject says that something is missing
    std::uint64_t line;
  };
  // In the middle of a cell, at the end of a row, in front of its newline, before the first row.
  for (const auto& [left, from, line] : {Row{29, 23, 4}, Row{23, 23, 4}, Row{22, 16, 3}, Row{9, 9, 2}}) {
    CAPTURE(left);
    Conversions conversions;
    const auto file = conversions.accepted("a.csv", text);
    write_file(conversions.layout.working_file(file), text.substr(0, left));
    const auto done = convert_file(conversions.disk, conversions.layout, file);
    REQUIRE(done.has_value());
    REQUIRE_FALSE(done->refusal.has_value());
    auto lines = read_file(conversions.layout.records(7));
    lines.pop_back();
    const auto last = lines.substr(lines.rfind('\n') + 1);
    const auto bad = read_bad_row(last);
    REQUIRE(bad.has_value());
    CHECK(bad->code == "file_changed");
    CHECK(bad->message == fmt::format("{} bytes from here on are gone: the file was made shorter after it "
                                      "was accepted",
                                      text.size() - from));
    const auto places = read_file(conversions.layout.origins(7));
    const auto origin = decode_origin(std::string_view(places).substr(places.size() - kOriginBytes));
    CHECK(origin.offset == from);
    CHECK(origin.line == line);
    CHECK(lines.find("ente") == std::string::npos);
  }
}

TEST_CASE("a conversion that was cut short is made afresh") {
  Conversions conversions;
  const auto text = many_records(1000);
  const auto file = conversions.accepted("a.json", text);
  write_file(conversions.layout.records(7), std::string(1'000'000, 'x'));
  write_file(conversions.layout.origins(7), "y");
  const auto done = convert_file(conversions.disk, conversions.layout, file);
  REQUIRE(done.has_value());
  const auto lines = read_file(conversions.layout.records(7));
  CHECK(lines.size() == done->read_size);
  CHECK(lines.find('x') == std::string::npos);
  CHECK(read_file(conversions.layout.origins(7)).size() == 1000 * kOriginBytes);
}

TEST_CASE("a conversion ends soon when it is told to stop") {
  Conversions conversions;
  const auto file = conversions.accepted("a.json", many_records(10));
  const std::atomic<bool> stop{true};
  const auto done = convert_file(conversions.disk, conversions.layout, file, {}, &stop);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == Errc::cancelled);
}

TEST_CASE("an error of the disk is not taken for a damaged document") {
  Conversions conversions;
  const auto file = conversions.accepted("a.json", "[{\"uid\":\"1\"}]");
  conversions.disk.failure = Errc::no_space;
  for (long effects = 0; effects < 3; ++effects) {
    conversions.disk.effects_left = effects;
    const auto done = convert_file(conversions.disk, conversions.layout, file);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == Errc::no_space);
  }
}
