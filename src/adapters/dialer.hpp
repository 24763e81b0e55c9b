#pragma once

#include "src/adapters/deadline.hpp"
#include "src/adapters/https_settings.hpp"
#include "src/adapters/wire.hpp"

#include <memory>

namespace usherd {

/// A connection ready for requests: name looked up, addresses tried in turn, tunnel and TLS made, all of it
/// within connect_timeout. Errors say which step failed and with whom: unavailable, timeout, cancelled.
/// Settings and deadline must outlive the coroutine, the deadline also the wire.
[[nodiscard]] boost::asio::awaitable<Result<std::unique_ptr<Wire>>> dial(
    boost::asio::any_io_executor executor, const HttpsSettings& settings, Deadline& deadline);

}  // namespace usherd
