#pragma once

#include "usherd/ports/transport.hpp"
#include "usherd/submit/active_batch.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <span>

namespace usherd {

/// The body of a batch whose job may be given up while it is sent once more: nothing of it leaves then, or no
/// more, so that the server cannot take it for whole. Batch and body must outlive it.
class RecallableBody final : public BodySource {
 public:
  RecallableBody(const ActiveBatch& batch, BodySource& body) : batch_(batch), body_(body) {}

  [[nodiscard]] std::uint64_t length() const override { return body_.length(); }
  [[nodiscard]] boost::asio::awaitable<Result<std::span<const char>>> next() override {
    const auto piece = co_await body_.next();
    // Asked last: the disk may have taken its time.
    if (batch_.is_abandoned)
      co_return Error{Errc::cancelled, "its job was given up"};
    co_return piece;
  }

 private:
  const ActiveBatch& batch_;
  BodySource& body_;
};

}  // namespace usherd
