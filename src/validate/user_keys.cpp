#include "usherd/validate/user_keys.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace usherd {

namespace {

// Any odd constant does: it only has to move an id away from the uid of the same text.
constexpr std::uint64_t kIdNamespace = 0x9E3779B97F4A7C15;

constexpr std::uint64_t never_zero(std::uint64_t hash) {
  return hash == 0 ? 1 : hash;
}

}  // namespace

static_assert(UserKeys::kSecretBytes >= XXH3_SECRET_SIZE_MIN);

UserKeys::UserKeys(std::span<const std::byte, kSecretBytes> secret) {
  std::copy(secret.begin(), secret.end(), secret_.begin());
}

std::uint64_t UserKeys::uid(std::string_view decoded) const {
  return never_zero(XXH3_64bits_withSecret(decoded.data(), decoded.size(), secret_.data(), secret_.size()));
}

std::uint64_t UserKeys::id(std::string_view decoded) const {
  const auto hash = XXH3_64bits_withSecret(decoded.data(), decoded.size(), secret_.data(), secret_.size());
  return never_zero(hash ^ kIdNamespace);
}

}  // namespace usherd
