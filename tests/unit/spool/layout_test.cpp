#include "usherd/spool/layout.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

using namespace usherd;

TEST_CASE("a working name gives back its number and name") {
  for (const auto* name : {"a.ndjson", "a.b.json", "000000000007.a.ndjson", "ä ~2.csv"}) {
    const auto working = SpoolLayout::working_name(42, name);
    const auto [number, rest] = SpoolLayout::parse_working_name(working);
    CHECK(number == 42);
    CHECK(rest == name);
  }
  CHECK(SpoolLayout::working_name(42, "a.ndjson") == "000000000042.a.ndjson");
  CHECK(SpoolLayout::parse_working_name(SpoolLayout::working_name(1'234'567'890'123, "a.json")).first ==
        1'234'567'890'123);
}

TEST_CASE("derived and foreign names are never taken for accepted files") {
  const SpoolLayout layout("/s");
  for (const auto& path : {layout.records(7), layout.origins(7), layout.local_rejects(7),
                           layout.batch_rejects(7, 8), layout.merged(8)}) {
    const auto name = path.substr(path.rfind('/') + 1);
    CHECK(SpoolLayout::parse_working_name(name).first == 0);
  }
  for (const auto* name : {"", ".", "a", "7.a", "000000000007", "000000000007.", "00000000000x.a",
                           "-00000000007.a", "18446744073709551615.a"})
    CHECK(SpoolLayout::parse_working_name(name).first == 0);
}

TEST_CASE("a derived name tells what it was made of") {
  const SpoolLayout layout("/spool");
  const auto parse = [](const std::string& path) {
    const auto name = std::string_view(path).substr(path.rfind('/') + 1);
    const auto derived = SpoolLayout::parse_derived_name(name);
    return fmt::format("{} {} {}", derived.of == 0 ? '-' : derived.of, derived.number, derived.kind);
  };
  CHECK(parse(layout.records(12)) == "f 12 records");
  CHECK(parse(layout.merged(7)) == "b 7 merged");
  CHECK(parse(layout.batch_rejects(12, 7)) == "f 12 b000000000007.rejects");
  for (const char* name : {"", "f", "b.", "f.records", "f12", "g12.records", "f1x.records", "f-1.records",
                           "f000000000000.records", "f99999999999999999999.records", "12.f"}) {
    CAPTURE(name);
    CHECK(parse(name) == "- 0 ");
  }
}

TEST_CASE("no two things of a spool share a path") {
  const SpoolLayout layout("/var/spool/usherd");
  SpoolFile file;
  file.number = 7;
  file.working = SpoolLayout::working_name(7, "a.json");
  const std::set<std::string> paths{
      layout.records(7), layout.origins(7),         layout.local_rejects(7), layout.batch_rejects(7, 7),
      layout.merged(7),  layout.working_file(file), layout.records(8),       layout.batch_rejects(7, 8)};
  CHECK(paths.size() == 8);
  CHECK(layout.readable(file) == "/var/spool/usherd/working/000000000007.a.json");
  file.converted = true;
  CHECK(layout.readable(file) == layout.records(7));
}
