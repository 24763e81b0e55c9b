#include "usherd/batch/streamed_hash.hpp"

#include <xxhash.h>

#include <cstring>
#include <new>

namespace usherd {

void StreamedHash::Free::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

StreamedHash::StreamedHash() : state_(XXH3_createState()) {
  if (state_ == nullptr)
    throw std::bad_alloc();
  XXH3_128bits_reset(state_.get());
}
StreamedHash::StreamedHash(StreamedHash&&) noexcept = default;
StreamedHash::~StreamedHash() = default;

void StreamedHash::update(std::span<const char> piece) {
  XXH3_128bits_update(state_.get(), piece.data(), piece.size());
}

Digest StreamedHash::value() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
  Digest digest;
  static_assert(sizeof(canonical.digest) == digest.size());
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

}  // namespace usherd
