#pragma once

#include "usherd/ledger/rows.hpp"

#include <memory>
#include <span>

struct XXH3_state_s;

namespace usherd {

/// XXH3-128 over bytes given piece by piece.
class StreamedHash {
 public:
  StreamedHash();
  StreamedHash(StreamedHash&&) noexcept;
  ~StreamedHash();

  void update(std::span<const char> piece);
  /// Of all pieces so far.
  [[nodiscard]] Digest value() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace usherd
