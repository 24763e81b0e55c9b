#include "usherd/spool/json_document.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace usherd;
using usherd::fuzz::require;

namespace {

struct Scan {
  std::vector<std::string> lines;
  std::vector<Origin> origins;
  std::string error;
};

Scan scan(std::string_view document, std::size_t piece) {
  Scan result;
  JsonDocumentScanner scanner([&](std::string_view line, const Origin& origin) -> Result<void> {
    result.lines.emplace_back(line);
    result.origins.push_back(origin);
    return {};
  });
  for (std::size_t at = 0; at < document.size(); at += piece) {
    if (const auto fed = scanner.feed(document.substr(at, piece)); !fed) {
      result.error = fed.error().message;
      return result;
    }
  }
  if (const auto finished = scanner.finish(); !finished)
    result.error = finished.error().message;
  return result;
}

void check_places(std::string_view document, const Scan& result) {
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < result.lines.size(); ++i) {
    const auto& origin = result.origins[i];
    require(result.lines[i].find('\n') == std::string::npos || !fuzz::parse_strictly(result.lines[i]),
            "a newline in a good line");
    require(origin.offset >= end && origin.offset + origin.length <= document.size(),
            "an origin out of place");
    require(result.lines[i].size() == std::min<std::size_t>(origin.length, (1U << 20) + 1),
            "a line's length");
    const auto newlines =
        std::count(document.begin(), document.begin() + static_cast<std::ptrdiff_t>(origin.offset), '\n');
    require(origin.line == static_cast<std::uint64_t>(newlines) + 1, "an origin's line");
    end = origin.offset + origin.length;
  }
}

/// A document that is JSON to a strict parser must give the elements that parser sees.
void check_against_parser(std::string_view document, const Scan& result) {
  if (document.starts_with("\xEF\xBB\xBF"))
    document.remove_prefix(3);
  const auto value = fuzz::parse_strictly(document);
  if (!value)
    return;
  if (!value->is_structured()) {
    require(!result.error.empty(), "a lone scalar is taken");
    return;
  }
  const auto parsed = [&](std::size_t i) {
    const auto line = fuzz::parse_strictly(result.lines[i]);
    require(line.has_value(), "a good element became a bad line");
    return *line;
  };
  const auto* list = value->is_array() ? &value->get_array() : nullptr;
  if (list == nullptr && result.lines.size() == 1 && result.error.empty() && parsed(0) == *value)
    return;
  if (list == nullptr) {
    const auto* requests = value->get_object().if_contains("requests");
    require(requests != nullptr && requests->is_array(), "a lone record is not one line");
    if (value->get_object().size() > 1 || !result.error.empty())
      return;  // an envelope with more members, or with its one member repeated
    list = &requests->get_array();
  }
  require(result.error.empty(), "a good document is refused");
  require(result.lines.size() == list->size(), "the count of elements");
  for (std::size_t i = 0; i < list->size(); ++i)
    require(parsed(i) == (*list)[i], "an element changed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view document(reinterpret_cast<const char*>(data), size);
  const auto whole = scan(document, size + 1);
  check_places(document, whole);
  check_against_parser(document, whole);
  for (const std::size_t piece : {std::size_t{1}, 2 + size % 7}) {
    const auto cut = scan(document, piece);
    require(cut.error == whole.error && cut.lines == whole.lines, "the cut into pieces matters");
  }
  return 0;
}
