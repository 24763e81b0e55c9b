#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// What is common to reading the API's JSON: every member may be missing, null or of another type than
/// documented (docs: proto3 JSON leaves defaults out, new members come without notice).

/// The document, or nothing when it is not whole JSON, is longer than `most_bytes` or nested deeper than
/// `most_depth`. Strings may hold bytes that are not UTF-8.
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text, std::size_t most_bytes,
                                                           std::size_t most_depth);

/// Stands in mended_json() for half a character: a byte that is in no UTF-8, so that no text of ours equals
/// one with it. Shown as U+FFFD, like all such bytes.
inline constexpr char kHalfCharacter = '\xFF';

/// `text` with what parse_json() refuses, and an API may write all the same, made good: a surrogate escape
/// without its other half and a raw control character in a string; an exponent past 32 bits, which is cut to
/// one that gives the same number. Nothing when there is none, or when it would be longer than `most_bytes`.
/// For texts that parse_json() refuses as they stand; it may still do so.
[[nodiscard]] std::optional<std::string> mended_json(std::string_view text, std::size_t most_bytes);

/// What parse_json() makes of the text, or of the mended one.
[[nodiscard]] std::optional<boost::json::value> parse_mended_json(std::string_view text,
                                                                  std::size_t most_bytes,
                                                                  std::size_t most_depth);

/// The member, or nullptr when it is missing or null, or `object` is nullptr.
[[nodiscard]] const boost::json::value* find_member(const boost::json::object* object, std::string_view name);

/// The member as an object, else nullptr.
[[nodiscard]] const boost::json::object* find_object(const boost::json::object* object,
                                                     std::string_view name);

/// The member when it is a string.
[[nodiscard]] std::optional<std::string_view> find_string(const boost::json::object* object,
                                                          std::string_view name);

/// At most `most` bytes of `text`, cut between UTF-8 sequences.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t most);

}  // namespace usherd
