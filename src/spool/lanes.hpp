#pragma once

#include "usherd/ports/workers.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>

namespace usherd {

/// Calls `work(from, to)` for pieces of 0..count on several workers at once, a few pieces each so that others
/// get their turn between. Returns when all have ended. `work` must keep alive what it uses.
[[nodiscard]] boost::asio::awaitable<void> in_lanes(
    Workers workers, std::size_t count, std::function<void(std::size_t from, std::size_t to)> work);

}  // namespace usherd
