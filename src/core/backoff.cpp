#include "usherd/core/backoff.hpp"

#include <algorithm>

namespace usherd {

Milliseconds Backoff::next(Random& random) {
  auto ceiling = first_;
  for (unsigned i = 0; i < tries_ && ceiling < most_; ++i)
    ceiling *= 2;
  ++tries_;
  ceiling = std::min(ceiling, most_);
  return Milliseconds{static_cast<std::int64_t>(random.up_to(static_cast<std::uint64_t>(ceiling.count())))};
}

}  // namespace usherd
