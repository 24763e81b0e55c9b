#pragma once

#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/kept_body.hpp"
#include "usherd/ports/transport.hpp"
#include "usherd/ports/workers.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace usherd {

/// A frozen batch's body on its way out: rebuilt by a worker in chunks, its digest reckoned on the way, the
/// last piece given out only when length and digest are those that were frozen. What was kept of it since it
/// was checked goes out instead, if nobody has written to the files until then. The files and workers must
/// outlive it.
class BatchBody final : public BodySource {
 public:
  /// `kept` may be null.
  BatchBody(Workers workers, BodyReader reader, std::uint64_t length, Digest digest,
            std::unique_ptr<KeptBody> kept = nullptr);
  ~BatchBody() override;

  [[nodiscard]] std::uint64_t length() const override { return length_; }
  /// Errc::corrupt when the body is not the one that was frozen.
  [[nodiscard]] boost::asio::awaitable<Result<std::span<const char>>> next() override;

 private:
  [[nodiscard]] Result<bool> fill();
  [[nodiscard]] boost::asio::awaitable<Result<std::span<const char>>> next_kept();
  [[nodiscard]] Result<bool> prove();

  Workers workers_;
  BodyReader reader_;
  std::uint64_t length_;
  Digest expected_;
  std::unique_ptr<KeptBody> kept_;
  std::uint64_t read_ = 0;
  std::vector<char> chunk_;
  std::size_t filled_ = 0;
  std::size_t given_ = 0;
};

}  // namespace usherd
