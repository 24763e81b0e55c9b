#include "tests/fuzz/fuzz.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/bad_row.hpp"
#include "usherd/spool/convert.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace usherd;
using usherd::fuzz::require;

namespace {

struct Conversion {
  std::vector<std::string> lines;
  std::vector<Origin> origins;
  std::string error;
};

Conversion convert(std::string_view document, std::size_t piece) {
  Conversion result;
  const auto converter =
      make_converter(Format::csv, [&](std::string_view line, const Origin& origin) -> Result<void> {
        result.lines.emplace_back(line);
        result.origins.push_back(origin);
        return {};
      });
  for (std::size_t at = 0; at < document.size(); at += piece) {
    if (const auto fed = converter->feed(document.substr(at, piece)); !fed) {
      require(fed.error().code == Errc::invalid, "another error than a bad document");
      result.error = fed.error().message;
      return result;
    }
  }
  if (const auto finished = converter->finish(); !finished)
    result.error = finished.error().message;
  return result;
}

/// Rows follow each other, and none is told twice.
void check_places(std::string_view document, const Conversion& result) {
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < result.lines.size(); ++i) {
    const auto& origin = result.origins[i];
    require(origin.offset >= end && origin.offset + origin.length <= document.size(),
            "an origin out of place");
    require(origin.offset == 0 || document[origin.offset - 1] == '\n', "a row that begins inside a line");
    const auto newlines =
        std::count(document.begin(), document.begin() + static_cast<std::ptrdiff_t>(origin.offset), '\n');
    require(origin.line == static_cast<std::uint64_t>(newlines) + 1, "an origin's line");
    end = origin.offset + origin.length;
  }
}

/// A line is a bad row with its bytes, or a JSON object that a strict parser takes.
void check_lines(std::string_view document, const Conversion& result) {
  for (std::size_t i = 0; i < result.lines.size(); ++i) {
    const auto& line = result.lines[i];
    require(line.find('\n') == std::string::npos, "a newline in a line");
    const auto& origin = result.origins[i];
    const auto raw = document.substr(origin.offset, origin.length);
    if (const auto row = read_bad_row(line)) {
      require(!row->code.empty() && !row->message.empty(), "a bad row without a reason");
      require(row->raw == raw, "a bad row's bytes changed");
      continue;
    }
    require(line.starts_with('{') && line.ends_with('}'), "neither a record nor a bad row");
    require(is_utf8(raw), "a record of a row that is not UTF-8");
    // A number may be beyond what the parser holds.
    const bool exponent = raw.find_first_of("eE") != std::string_view::npos || raw.size() > 300;
    require(exponent || fuzz::parse_strictly(line).has_value(), "a record that is no JSON");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view document(reinterpret_cast<const char*>(data), size);
  const auto whole = convert(document, size + 1);
  check_places(document, whole);
  check_lines(document, whole);
  for (const std::size_t piece : {std::size_t{1}, 2 + size % 7}) {
    const auto cut = convert(document, piece);
    require(cut.error == whole.error && cut.lines == whole.lines, "the cut into pieces matters");
  }
  return 0;
}
