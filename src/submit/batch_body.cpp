#include "usherd/submit/batch_body.hpp"

#include <algorithm>

namespace usherd {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;

Error changed() {
  return {Errc::corrupt, "the body on disk is not the one that was frozen"};
}

}  // namespace

BatchBody::BatchBody(Workers workers, BodyReader reader, std::uint64_t length, Digest digest,
                     std::unique_ptr<KeptBody> kept)
    : workers_(std::move(workers)),
      reader_(std::move(reader)),
      length_(length),
      expected_(digest),
      kept_(std::move(kept)) {}

BatchBody::~BatchBody() = default;

Result<bool> BatchBody::fill() {
  // Not before: many may wait for a session, or for the API to take POSTs again, and few are sent at once.
  if (chunk_.empty())
    chunk_.resize(std::min<std::uint64_t>(kChunk, length_));
  const auto got = reader_.read(chunk_);
  if (!got)
    return got.error();
  filled_ = *got;
  given_ = 0;
  read_ += *got;
  if (read_ > length_ || (*got < chunk_.size() && read_ < length_))
    return changed();
  // The chunk that completes the body is checked before any byte of it leaves.
  if (read_ == length_ && (!reader_.is_whole() || reader_.digest() != expected_))
    return changed();
  return true;
}

/// Reads the body that stands on the disk, to its end.
Result<bool> BatchBody::prove() {
  while (read_ < length_) {
    if (const auto filled = fill(); !filled)
      return filled;
  }
  given_ = filled_;
  return true;
}

/// What somebody wrote to is not sent, though it is what was accepted: those records end `unknown`. So the
/// files are looked at before the first piece and before the last one.
boost::asio::awaitable<Result<std::span<const char>>> BatchBody::next_kept() {
  const bool is_first = kept_->left() == length_;
  const bool is_last = kept_->is_at_last();
  if (is_first || is_last) {
    auto look = [this] { return Result<bool>(kept_->is_current()); };
    const auto current = co_await workers_.run(std::move(look));
    if (!*current && is_first) {
      kept_.reset();
      co_return co_await next();
    }
    if (!*current) {
      auto work = [this] { return prove(); };
      if (const auto proved = co_await workers_.run(std::move(work)); !proved)
        co_return proved.error();
    }
  }
  co_return kept_->next();
}

boost::asio::awaitable<Result<std::span<const char>>> BatchBody::next() {
  if (kept_ != nullptr)
    co_return co_await next_kept();
  if (given_ == filled_) {
    if (read_ == length_)
      co_return std::span<const char>{};
    auto work = [this] { return fill(); };
    const auto filled = co_await workers_.run(std::move(work));
    if (!filled)
      co_return filled.error();
  }
  const auto count = std::min(KeptBody::kMostPiece, filled_ - given_);
  const std::span<const char> piece(chunk_.data() + given_, count);
  given_ += count;
  co_return piece;
}

}  // namespace usherd
