#include "usherd/core/random.hpp"

#include <fmt/format.h>

namespace usherd {

Random Random::from_system() {
  std::random_device device;
  return Random((static_cast<std::uint64_t>(device()) << 32) | device());
}

std::uint64_t Random::up_to(std::uint64_t most) {
  return std::uniform_int_distribution<std::uint64_t>(0, most)(engine_);
}

double Random::unit() {
  return std::uniform_real_distribution<double>(0, 1)(engine_);
}

std::string Random::uuid() {
  const std::uint64_t high = (engine_() & ~0xF000ULL) | 0x4000ULL;
  const std::uint64_t low = (engine_() & ~(3ULL << 62)) | (2ULL << 62);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF,
                     low >> 48, low & 0xFFFF'FFFF'FFFFULL);
}

}  // namespace usherd
