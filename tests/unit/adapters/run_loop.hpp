#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace usherd::test {

/// Runs one coroutine to its end on its loop and gives its value, or throws what it threw.
template <class T>
T run(boost::asio::io_context& loop, boost::asio::awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr failure;
  auto keep = [&](std::exception_ptr thrown, T value) {
    failure = thrown;
    result.emplace(std::move(value));
  };
  boost::asio::co_spawn(loop, std::move(work), keep);
  loop.restart();
  loop.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  return std::move(result.value());
}

}  // namespace usherd::test
