#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace usherd {

// What is used below are the two stages of simdjson 3 one by one; the public parser does both for one
// document.
static_assert(simdjson::SIMDJSON_VERSION_MAJOR == 3, "check TokenIndex against this simdjson's stages");

/// Where the tokens of a block of JSON lines begin: every bracket, comma and colon, every string's opening
/// quote and the first byte of every other word, outside of strings. Made by simdjson's first stage, in one
/// go for all lines, which also finds bytes that are not UTF-8 and control characters in strings. Owns its
/// memory, 4 bytes a byte of the largest block, of which a block touches what it has tokens.
class TokenIndex {
 public:
  explicit TokenIndex(std::size_t most_bytes);

  /// Looks at whole lines; at least simdjson::SIMDJSON_PADDING bytes behind them must be readable. False
  /// where a line is not UTF-8, holds a control character in a string or leaves one open, and where they hold
  /// no token: then the index is of no use.
  bool build(std::string_view lines);

  /// Offsets in `lines`, rising, and the length of `lines` behind the last. Valid until the next build.
  [[nodiscard]] const std::uint32_t* begin() const { return stages_->structural_indexes.get(); }

  /// Writes the string that begins behind the quote before `inside` to `into`, which must have room for all
  /// of it as it stands and simdjson::SIMDJSON_PADDING bytes more. Null data where it has a bad escape.
  [[nodiscard]] std::string_view unescape(const char* inside, char* into) const;

 private:
  simdjson::dom::parser parser_;
  simdjson::internal::dom_parser_implementation* stages_;
};

}  // namespace usherd
