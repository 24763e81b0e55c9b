#pragma once

#include "usherd/batch/streamed_hash.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace usherd {

/// The digest of a body: XXH3-128 over the sums of its operations in their order. What stands between them is
/// always the same. As each sum is known since its record was checked, no byte is read again for it.
class BodyDigest {
 public:
  void add(std::uint64_t sum);
  /// Of all that were added.
  [[nodiscard]] Digest value();

 private:
  void flush();

  StreamedHash hash_;
  std::array<std::uint64_t, 128> held_{};
  std::size_t count_ = 0;
};

}  // namespace usherd
