#pragma once

#include "src/spool/line_buffer.hpp"
#include "usherd/spool/csv_header.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace usherd {

/// What is appended takes at most so many bytes for each of the text's, and so many more.
inline constexpr std::size_t kMostEscaped = 6;
inline constexpr std::size_t kMostAround = 4;

/// Appends `text` as a JSON string. Bytes that are not UTF-8 stay as they are.
void append_text(LineBuffer& out, std::string_view text);

/// Whether `text` holds neither a control character nor a backslash: without quotes it is a JSON string's
/// text.
[[nodiscard]] bool is_unescaped(std::string_view text);

/// Without the blanks and tabs around it, which mean nothing but in a text.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Appends a value of a type as JSON. False where the text is none; something may then have been appended.
[[nodiscard]] bool append_value(LineBuffer& out, CellType type, std::string_view text);

/// Appends a list of them split at ';', with the empty ones left out. Gives the first element that is none;
/// something may then have been appended.
[[nodiscard]] std::optional<std::string_view> append_list(LineBuffer& out, CellType type,
                                                          std::string_view text);

/// The forms that are taken, for a message.
[[nodiscard]] std::string_view form_of(CellType type);

}  // namespace usherd
