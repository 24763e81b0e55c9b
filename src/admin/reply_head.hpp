#pragma once

#include "src/admin/request_parser.hpp"
#include "usherd/admin/message.hpp"

#include <string>
#include <string_view>

namespace usherd {

/// Ends an answer that is sent in chunks.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// Status line and headers. Every answer closes its connection, is not stored, and may run, load and be
/// framed by nothing but what the status page itself brings.
[[nodiscard]] std::string reply_head(const AdminReply& reply);

/// `bytes` as one chunk; nothing for nothing.
[[nodiscard]] std::string chunk_of(std::string_view bytes);

/// The answer to what is no request.
[[nodiscard]] AdminReply refusal_of(RequestParser::State state);

}  // namespace usherd
