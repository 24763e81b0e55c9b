#pragma once

#include "usherd/spool/bad_row.hpp"
#include "usherd/spool/convert.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace usherd::test {

/// What a document becomes when it is converted in pieces of a size.
struct Converted {
  std::vector<std::string> lines;
  std::vector<Origin> origins;
  std::string error;

  /// The codes of the rows that could not become records.
  [[nodiscard]] std::vector<std::string> codes() const {
    std::vector<std::string> found;
    for (const auto& line : lines) {
      if (const auto row = read_bad_row(line))
        found.push_back(row->code);
    }
    return found;
  }
};

inline Converted convert_text(Format format, std::string_view text, std::size_t piece = 256U << 10) {
  Converted result;
  const auto converter =
      make_converter(format, [&](std::string_view line, const Origin& origin) -> Result<void> {
        result.lines.emplace_back(line);
        result.origins.push_back(origin);
        return {};
      });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (const auto fed = converter->feed(text.substr(at, piece)); !fed) {
      result.error = fed.error().message;
      return result;
    }
  }
  if (const auto finished = converter->finish(); !finished)
    result.error = finished.error().message;
  return result;
}

inline Converted convert_csv(std::string_view text, std::size_t piece = 256U << 10) {
  return convert_text(Format::csv, text, piece);
}

}  // namespace usherd::test
