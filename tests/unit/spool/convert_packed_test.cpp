#include "tests/unit/spool/conversions.hpp"
#include "tests/unit/spool/packed.hpp"
#include "usherd/spool/origin.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace usherd;
using namespace usherd::test;

namespace {

std::string packed_as(const std::string& name, std::string_view text) {
  if (name.ends_with(".gz"))
    return gzip(text);
  return name.ends_with(".zst") ? zstd(text) : std::string(text);
}

std::string refusal_code(const Result<Conversion>& done) {
  REQUIRE(done.has_value());
  return done->refusal ? done->refusal->code : "";
}

}  // namespace

TEST_CASE("each format is the same records, packed or not, and each record knows its place") {
  struct Row {
    const char* name;
    const char* text;
    const char* second;  ///< where the second record begins
  };
  const Row table[] = {
      {"a.jsonl.gz", "{\"uid\":\"1\"}\n\n{\"uid\":\"2\"}\n", "{\"uid\":\"2\"}"},
      {"a.ndjson.zst", "{\"uid\":\"1\"}\n\n{\"uid\":\"2\"}", "{\"uid\":\"2\"}"},
      {"a.json.gz", "[{\"uid\":\"1\"},\n\n{\"uid\":\"2\"}]", "{\"uid\":\"2\"}"},
      {"a.json.zst", "[{\"uid\":\"1\"},\n\n{\"uid\":\"2\"}]", "{\"uid\":\"2\"}"},
      {"a.csv", "uid\n1\n2\n", "2"},
      {"a.csv.gz", "uid\n1\n2\n", "2"},
      {"A.CSV.ZST", "uid\n1\n2", "2"},
  };
  for (const auto& row : table) {
    CAPTURE(std::string(row.name));
    Conversions conversions;
    auto packed = packed_as(row.name, row.text);
    if (std::string_view(row.name) == "A.CSV.ZST")
      packed = zstd(row.text);
    auto file = conversions.accepted(row.name, packed);
    const auto done = convert_file(conversions.disk, conversions.layout, file);
    REQUIRE(refusal_code(done).empty());
    CHECK(done->converted);
    const auto lines = read_file(conversions.layout.records(7));
    CHECK(done->read_size == lines.size());
    const auto second = lines.find("{\"uid\":\"2\"}");
    REQUIRE(second != std::string::npos);
    file.converted = true;
    const auto number = static_cast<std::uint64_t>(
                            std::count(lines.begin(), lines.begin() + static_cast<long>(second), '\n')) +
                        1;
    const auto origin = origin_of(conversions.disk, conversions.layout, file, number, second);
    REQUIRE(origin.has_value());
    CHECK(origin->line == 3);
    CHECK(origin->offset == std::string_view(row.text).rfind(row.second));
  }
}

TEST_CASE("a file that cannot be converted to its end is refused with a code, and nothing of it is left") {
  const std::string records = "{\"uid\":\"1\"}\n{\"uid\":\"2\"}\n";
  struct Row {
    const char* name;
    std::string bytes;
    const char* code;
  };
  const Row table[] = {
      {"a.ndjson.gz", gzip(records).substr(0, gzip(records).size() - 3), "damaged_archive"},
      {"a.ndjson.gz", gzip(records) + gzip(records).substr(0, 20), "damaged_archive"},
      {"a.ndjson.zst", zstd(records).substr(0, zstd(records).size() - 1), "damaged_archive"},
      {"a.ndjson.zst", records, "damaged_archive"},
      {"a.csv.gz", gzip("uid\n1\n") + "garbage", "damaged_archive"},
      {"a.json.gz", gzip("[{\"uid\":\"1\"}"), "damaged_document"},
      {"a.json", "[{\"uid\":\"1\"}", "damaged_document"},
      {"a.csv.zst", zstd("uid,uid\n1,2\n"), "bad_header"},
      {"a.csv", "", "bad_header"},
  };
  for (const auto& row : table) {
    CAPTURE(std::string(row.name));
    Conversions conversions;
    const auto file = conversions.accepted(row.name, row.bytes);
    const auto done = convert_file(conversions.disk, conversions.layout, file);
    CHECK(refusal_code(done) == row.code);
    CHECK_FALSE(done->refusal->message.empty());
    CHECK(names_in(conversions.layout.working()) == std::set<std::string>{file.working});
  }
}

TEST_CASE("a bomb is refused before it has grown far, whatever is in it") {
  constexpr std::size_t kBig = std::size_t{100} << 20;
  // Short rows under long names.
  std::string rows = "uid";
  std::string row_of_many = "1";
  for (int column = 0; column < 1000; ++column) {
    rows += fmt::format(",{}{}", std::string(400, 'n'), column);
    row_of_many += ",3";
  }
  for (int row = 0; row < 500; ++row)
    rows += "\n" + row_of_many;
  struct Row {
    const char* name;
    std::string bytes;
  };
  const Row table[] = {
      {"a.ndjson.gz", gzip(std::string(kBig, '\n'))},
      {"a.ndjson.zst", zstd(std::string(kBig, 'x'))},
      {"a.json.gz", gzip("[1" + std::string(kBig, ' '))},
      {"a.csv.zst", zstd("uid\n" + std::string(kBig, '\n'))},
      {"a.csv", rows},
  };
  for (const auto& row : table) {
    CAPTURE(std::string(row.name));
    Conversions conversions;
    const auto file = conversions.accepted(row.name, row.bytes);
    int asked = 0;
    ConvertLimits limits;
    limits.room = [&]() -> Result<void> {
      ++asked;
      return {};
    };
    const bool csv = std::string_view(row.name) == "a.csv";
    limits.max_ratio = csv ? 20 : 200;
    const auto done = convert_file(conversions.disk, conversions.layout, file, limits);
    CHECK(refusal_code(done) == "too_large_unpacked");
    CHECK(done->refusal->message.find("spool.max_ratio") != std::string::npos);
    CHECK(asked <= 2);
    CHECK(names_in(conversions.layout.working()).size() == 1);
  }
}

TEST_CASE("small files may hold much of the same") {
  Conversions conversions;
  const std::string text(ConvertLimits::kFreeBytes, '\n');
  const auto file = conversions.accepted("a.ndjson.gz", gzip(text));
  REQUIRE(text.size() / file.size > 500);
  CHECK(refusal_code(convert_file(conversions.disk, conversions.layout, file)).empty());
  const auto more = conversions.accepted("a.ndjson.gz", gzip(text + "\n"));
  CHECK(refusal_code(convert_file(conversions.disk, conversions.layout, more)) == "too_large_unpacked");
}

TEST_CASE("what a file becomes has an upper limit, packed or not") {
  Conversions conversions;
  std::string text = "[\n";
  for (int record = 0; record < 3000; ++record)
    text += fmt::format("{}{{\"uid\":\"{}\"}}\n", record == 0 ? "" : ",", record);
  text += "]";
  ConvertLimits limits;
  for (const auto* name : {"a.json", "a.json.gz"}) {
    const auto file = conversions.accepted(name, packed_as(name, text));
    limits.max_unpacked = text.size() + 3000 * kOriginBytes;
    CHECK(refusal_code(convert_file(conversions.disk, conversions.layout, file, limits)).empty());
    limits.max_unpacked = text.size() - 1;
    const auto done = convert_file(conversions.disk, conversions.layout, file, limits);
    CHECK(refusal_code(done) == "too_large_unpacked");
    CHECK(done->refusal->message.find("spool.max_unpacked") != std::string::npos);
  }
}

TEST_CASE("a conversion that finds no room ends with that error and takes nothing of the disk") {
  Conversions conversions;
  std::string text;
  while (text.size() < (std::size_t{40} << 20))
    text += fmt::format("{{\"uid\":\"{}\"}}\n", text.size());
  const auto file = conversions.accepted("a.ndjson.zst", zstd(text));
  ConvertLimits limits;
  int asked = 0;
  limits.room = [&]() -> Result<void> {
    return ++asked < 2 ? Result<void>{} : Error{Errc::no_space, "too little is free"};
  };
  const auto done = convert_file(conversions.disk, conversions.layout, file, limits);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == Errc::no_space);
  CHECK(names_in(conversions.layout.working()).size() == 1);
}

TEST_CASE("records are looked at without writing anything, in every format alike") {
  Conversions conversions;
  for (const auto* name : {"a.ndjson", "a.ndjson.gz", "a.json.zst", "a.csv", "a.csv.gz"}) {
    CAPTURE(name);
    const std::string_view view(name);
    const bool csv = view.find("csv") != std::string_view::npos;
    const bool json = view.find(".json") != std::string_view::npos;
    const std::string text = csv    ? "uid\n1\n\n2\n"
                             : json ? "[{\"uid\":\"1\"},\n\n\n{\"uid\":\"2\"}]"
                                    : "\xEF\xBB\xBF{\"uid\":\"1\"}\n \n\r\n{\"uid\":\"2\"}";
    const auto file = conversions.accepted(name, packed_as(name, text));
    const auto source = conversions.disk.open(conversions.layout.working_file(file));
    REQUIRE(source.has_value());
    std::vector<std::string> lines;
    std::vector<std::uint64_t> numbers;
    const auto done = stream_records(**source, file.size, *format_of(name), {},
                                     [&](std::string_view line, const Origin& origin) -> Result<void> {
                                       lines.emplace_back(line);
                                       numbers.push_back(origin.line);
                                       return {};
                                     });
    REQUIRE(done.has_value());
    CHECK_FALSE(done->has_value());
    CHECK(lines == std::vector<std::string>{"{\"uid\":\"1\"}", "{\"uid\":\"2\"}"});
    CHECK(numbers == std::vector<std::uint64_t>{csv ? 2U : 1U, 4U});
  }
}

TEST_CASE("an archive that became shorter is refused, also where it ends behind a member") {
  for (const auto* name : {"a.ndjson.gz", "a.csv.gz"}) {
    CAPTURE(name);
    Conversions conversions;
    const auto first = gzip("uid\n1\n");
    const auto file = conversions.accepted(name, first + gzip("2\n"));
    write_file(conversions.layout.working_file(file), first);
    const auto done = convert_file(conversions.disk, conversions.layout, file);
    REQUIRE(done.has_value());
    REQUIRE(done->refusal.has_value());
    CHECK(done->refusal->code == "damaged_archive");
  }
}
