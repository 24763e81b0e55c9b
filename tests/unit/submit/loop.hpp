#pragma once

#include "tests/fakes/manual_timers.hpp"
#include "tests/unit/ledger/scratch.hpp"

#include "usherd/core/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace usherd::test {

/// What a started coroutine came to, once it did.
template <class T>
struct Pending {
  std::optional<T> value;
  std::exception_ptr thrown;

  [[nodiscard]] bool done() const { return value.has_value() || thrown != nullptr; }
};

template <class T>
boost::asio::awaitable<void> keep(boost::asio::awaitable<T> work, std::shared_ptr<Pending<T>> pending) {
  pending->value.emplace(co_await std::move(work));
}

/// An event loop with time that stands still until the test moves it.
struct Loop {
  boost::asio::io_context context;
  fakes::ManualTimers timers{context.get_executor()};

  [[nodiscard]] boost::asio::any_io_executor executor() { return context.get_executor(); }
  void poll() {
    context.restart();
    context.poll();
  }
  void pass(BootClock::duration span) { timers.run_for(context, span); }
  [[nodiscard]] BootTime now() { return timers.now().boot; }

  /// Starts a coroutine and lets it come as far as it can now.
  template <class T>
  std::shared_ptr<Pending<T>> start(boost::asio::awaitable<T> work) {
    auto pending = std::make_shared<Pending<T>>();
    auto ended = [pending](std::exception_ptr thrown) { pending->thrown = thrown; };
    boost::asio::co_spawn(context, keep(std::move(work), pending), ended);
    poll();
    return pending;
  }
  /// Runs a coroutine that has nothing to wait for but the loop.
  template <class T>
  T run(boost::asio::awaitable<T> work) {
    auto pending = start(std::move(work));
    if (pending->thrown)
      std::rethrow_exception(pending->thrown);
    REQUIRE(pending->value.has_value());
    return std::move(*pending->value);
  }
};

}  // namespace usherd::test
