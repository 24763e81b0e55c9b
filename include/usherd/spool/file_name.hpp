#pragma once

#include "usherd/ledger/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

enum class Format : std::uint8_t { ndjson, json, csv };
enum class Compression : std::uint8_t { none, gzip, zstd };

/// What a file holds, told by the ending of its name alone.
struct FileFormat {
  Format format = Format::ndjson;
  Compression compression = Compression::none;

  friend bool operator==(const FileFormat&, const FileFormat&) = default;
};

/// Room for the longest ending that is ever put behind a name (".rejects.ndjson") in a directory entry of
/// 255.
inline constexpr std::size_t kMostNameBytes = 200;

/// False for what a producer is still writing: a leading '.', or an ending .tmp, .part or .filepart.
[[nodiscard]] bool is_visible_name(std::string_view name);

/// The known ending of a name with its dots, ".ndjson.gz"; empty where there is none. ASCII case does not
/// count.
[[nodiscard]] std::string_view known_ending(std::string_view name);

/// Nothing where the ending is not a known one.
[[nodiscard]] std::optional<FileFormat> format_of(std::string_view name);

/// Whether a file may keep this name in done/ and rejected/: a known ending, valid UTF-8 without control
/// characters, at most kMostNameBytes, and not one of the names that usherd itself writes there.
[[nodiscard]] bool is_acceptable_name(std::string_view name);

/// What was appended to a file after its claim has this in its name: "a~tail.ndjson", "a.csv~tail".
inline constexpr std::string_view kTail = "~tail";

/// The name under which a dropped file enters: its own, or "unnamed-NUMBER.ENDING" where that is not
/// acceptable, the ending being "data" where it is not known. "a.csv~tail" keeps its name, too.
[[nodiscard]] std::string entry_name(std::string_view dropped, FileNumber number);

/// "a.ndjson" and 2 give "a~2.ndjson"; the stem is cut so that the whole stays within kMostNameBytes.
[[nodiscard]] std::string numbered_name(std::string_view name, std::uint64_t number);

/// All the endings that format_of knows, for messages.
[[nodiscard]] std::string_view known_endings();

}  // namespace usherd
