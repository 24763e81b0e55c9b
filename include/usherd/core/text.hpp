#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace usherd {

/// Foreign text made safe for a log line or a terminal: control characters, marks that turn the direction of
/// text and bytes that are not UTF-8 shown as \xNN; of a text that grows past `most` bytes so much as fits,
/// and "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = 200);

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so the result is
/// always valid JSON.
void append_json_string(std::string& out, std::string_view text);

/// "1 record", "2 records".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

/// Percent-encodes everything but RFC 3986's unreserved characters: job ids and page tokens may hold '=',
/// '+', '/'.
[[nodiscard]] std::string percent_encode(std::string_view text);

/// Length of the valid UTF-8 sequence at the start of `text` in bytes, or 0 where there is none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text);

/// Whether all of `text` is valid UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace usherd
