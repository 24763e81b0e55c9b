#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace usherd {

/// Turns user names into 64-bit keys (XXH3 under a secret), so that no name need be kept and nobody without
/// the secret can make two names collide. A uid and an id with the same text have different keys. Owns its
/// secret.
class UserKeys {
 public:
  static constexpr std::size_t kSecretBytes = 192;

  explicit UserKeys(std::span<const std::byte, kSecretBytes> secret);

  /// Of the text after JSON unescaping; never 0.
  [[nodiscard]] std::uint64_t uid(std::string_view decoded) const;
  [[nodiscard]] std::uint64_t id(std::string_view decoded) const;

 private:
  std::array<std::byte, kSecretBytes> secret_;
};

}  // namespace usherd
