#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

/// The number of a file that nobody took yet; none when all are taken. For any thread.
using NextFile = std::function<std::optional<std::size_t>()>;

/// Runs `work` on `threads` threads, this one included, which share `files` files; gives the sum of what they
/// return. When one of them throws, the others end first, then this does.
[[nodiscard]] std::uint64_t on_threads(unsigned threads, std::size_t files,
                                       const std::function<std::uint64_t(const NextFile&)>& work);
