#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace usherd::sandbox {

/// Where a page begins, of which list, and since when its token is known.
struct PageToken {
  std::uint64_t list = 0;
  std::uint64_t offset = 0;
  WallTime issued{};
};

/// Opaque text that holds '=', '+' and '/', so that a client which does not encode it is found out.
[[nodiscard]] std::string encode(const PageToken& token);

/// Errors: anything encode() did not write.
[[nodiscard]] Result<PageToken> decode_page_token(std::string_view text);

}  // namespace usherd::sandbox
