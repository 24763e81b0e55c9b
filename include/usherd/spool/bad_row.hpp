#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// A row of a CSV file, or an element of a JSON document, that could not become a line of its own: what its
/// reject line will say.
struct BadRow {
  std::string code;
  std::string message;
  std::string raw;  ///< the row as it stands in the file, perhaps cut at its end
};

/// The code of what stands for all that is missing of a file that became shorter.
inline constexpr std::string_view kLostRest = "file_changed";

/// What a bad row's line may have: 1 MiB of the row, every byte of it escaped, and room for the reason.
inline constexpr std::size_t kMostBadRowLine = (std::size_t{2} << 20) + 8192;

/// Appends the line that stands for it among the converted records. It is no JSON, so that the record rules
/// refuse it, and has no newline. Of `raw` it has the first 1 MiB.
void append_bad_row(std::string& out, const BadRow& row);

/// Whether a line would be taken for one of these, or for a damaged one.
[[nodiscard]] bool may_be_bad_row(std::string_view line);

/// Reads such a line back; nothing where it is none. Only converted CSV and JSON files have such lines.
[[nodiscard]] std::optional<BadRow> read_bad_row(std::string_view line);

}  // namespace usherd
