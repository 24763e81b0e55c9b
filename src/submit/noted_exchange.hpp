#pragma once

#include "usherd/ports/transport.hpp"
#include "usherd/ports/waits.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <utility>

namespace usherd {

/// An exchange among the Waits for as long as it lives. Its due time begins anew with each piece of the body
/// that is asked for, as all before it was taken: on a slow way a large body takes as long as it takes, and
/// what gets on does not hang. Waits and body must outlive it.
class NotedExchange final : private BodySource {
 public:
  /// `due` tells by when an exchange that begins now must have ended; `body` may be null.
  NotedExchange(Waits& waits, std::function<BootTime()> due, BodySource* body)
      : due_(std::move(due)), noted_(waits, WaitFor::exchange, due_()), body_(body) {}

  /// What is to be sent instead of the body; null where there is none.
  [[nodiscard]] BodySource* body() { return body_ == nullptr ? nullptr : this; }

 private:
  [[nodiscard]] std::uint64_t length() const override { return body_->length(); }
  [[nodiscard]] boost::asio::awaitable<Result<std::span<const char>>> next() override {
    noted_.move_to(due_());
    co_return co_await body_->next();
  }

  std::function<BootTime()> due_;
  Waits::Noted noted_;
  BodySource* body_;
};

}  // namespace usherd
