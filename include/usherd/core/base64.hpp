#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// Appends `bytes` in standard base64 (RFC 4648 section 4), padded and without line breaks. At most 1 GiB.
void append_base64(std::string& out, std::string_view bytes);

/// The bytes of such a text; nothing where it is none.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace usherd
