#include "usherd/validate/record.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace usherd {

std::uint64_t record_sum(std::string_view bytes) {
  const auto sum = XXH3_64bits(bytes.data(), bytes.size());
  return sum == 0 ? 1 : sum;
}

}  // namespace usherd
